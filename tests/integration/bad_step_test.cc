// Training steps with numbers that are not finite: they change nothing, are counted and reported,
// and end the run when there are too many.
#include <cstring>
#include <filesystem>

#include "lacos/io/safetensors.h"
#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// The NLI table with a tilde in one entailment row, which is line 32.
std::string TableWithTilde() {
  std::string table = NliTable();
  size_t line = 1, at = 0;
  for (; line < 32; ++line) at = table.find('\n', at) + 1;
  return table.substr(0, at) + "~" + table.substr(at);
}
constexpr char kTildeRow[] = "nli.tsv:32";

// The tiny model with huge values in the word embedding of the tilde, so that its LayerNorm
// overflows. Only texts with a tilde are affected.
std::string ModelWithoutTilde(const TempFolder& folder) {
  std::string model = folder / "model";
  fs::copy(TinyModel(), model, fs::copy_options::recursive);
  const RunResult ids = RunLacos(
      {"tokenize", "--model", model, "--input", folder.Write("tilde.txt", "~\n"), "--quiet"});
  const Json list = Json::Parse(ids.out, "ids");
  EXPECT_EQ(list.size(), 1u) << ids.out;
  const SafetensorsFile file(model + "/model.safetensors");
  const TensorEntry* entry = file.Find("word_embeddings.weight");
  EXPECT_TRUE(entry != nullptr && entry->dtype == DType::kF32);
  const int64_t width = entry->shape[1];
  std::string bytes = ReadAll(model + "/model.safetensors");
  const float huge = 3e38f;
  for (int64_t i = 0; i < width; ++i) {
    std::memcpy(bytes.data() + entry->offset + 4 * (list[0].AsInt() * width + i), &huge,
                sizeof huge);
  }
  folder.Write("model/model.safetensors", bytes);
  return model;
}

class BadStep : public testing::Test {
 protected:
  BadStep()
      : data_(folder_.Write("nli.tsv", TableWithTilde())), model_(ModelWithoutTilde(folder_)) {}

  // Trains with a checkpoint at every step. Seed 3 puts the row with the tilde into the middle of
  // both epochs.
  RunResult Train(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments =
        TrainArguments(data_, folder_ / name,
                       {"--seed", "3", "--threads", "1", "--save-every", "1", "--keep", "99"});
    arguments[2] = model_;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunLacos(arguments);
  }
  std::string State(const std::string& name, int64_t step) const {
    return ReadAll(
        folder_ / (name + "/checkpoints/step-00000" + std::to_string(step) + "/state.safetensors"));
  }
  std::vector<int64_t> BadSteps(const std::string& name) const {
    std::vector<int64_t> steps;
    for (const Json& line : Metrics(folder_ / name)) {
      if (line.Has("bad")) steps.push_back(line.At("step").AsInt());
    }
    return steps;
  }

  TempFolder folder_;
  std::string data_, model_;
};

TEST_F(BadStep, StopsTheRunAndNamesTheStepTheTextAndTheTensor) {
  const RunResult result = Train("out", {});
  ExpectUserError(result, kTildeRow);
  const std::vector<int64_t> bad = BadSteps("out");
  ASSERT_EQ(bad.size(), 1u);
  ASSERT_GT(bad[0], 1) << "a step in the middle";
  EXPECT_NE(result.err.find("[step " + std::to_string(bad[0]) + "]"), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("lora_"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("the loss is nan"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder_ / "out/adapter_model.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / ("out/checkpoints/step-00000" + std::to_string(bad[0]))));
  EXPECT_EQ(
      RunLacos({"verify", folder_ / ("out/checkpoints/step-00000" + std::to_string(bad[0] - 1))})
          .status,
      0);
}

TEST_F(BadStep, ThatIsAllowedChangesNothingAndIsOnRecord) {
  const RunResult result = Train("out", {"--max-bad-steps", "2", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::vector<int64_t> bad = BadSteps("out");
  ASSERT_EQ(bad.size(), 2u) << "the row is in both epochs";
  EXPECT_EQ(Json::Parse(result.out, "stdout").At("bad_steps").AsInt(), 2);
  EXPECT_EQ(CountLines(result.err), 2u) << "a warning each, also with --quiet: " << result.err;
  EXPECT_NE(result.err.find(kTildeRow), std::string::npos) << result.err;
  for (const int64_t step : bad) {
    EXPECT_EQ(State("out", step), State("out", step - 1)) << "parameters and moments as they were";
    EXPECT_NE(State("out", step - 1), State("out", step - 2 > 0 ? step - 2 : step + 1));
  }
  for (const Json& line : Metrics(folder_ / "out")) {
    EXPECT_EQ(line.At("loss").IsNull(), line.Has("bad"));
    EXPECT_EQ(line.At("texts").AsInt(), 8);
    EXPECT_FALSE(line.At("clipped").IsNull());
    if (!line.Has("bad")) continue;
    const Json record = line.At("bad");
    EXPECT_TRUE(record.At("vectors").AsBool());
    ASSERT_EQ(record.At("places").size(), 1u);
    EXPECT_TRUE(record.At("places")[0].AsString().ends_with(kTildeRow));
    EXPECT_GT(record.At("gradient_values").AsInt(), 0);
    EXPECT_FALSE(record.At("tensor").IsNull());
  }
}

TEST_F(BadStep, TheCountAndAdamsStepsSurviveAResume) {
  ASSERT_EQ(Train("whole", {"--max-bad-steps", "2"}).status, 0);
  const RunResult stopped = Train("cut", {"--max-bad-steps", "1"});
  ExpectUserError({stopped.status, "", stopped.err.substr(stopped.err.find('\n') + 1)},
                  "--max-bad-steps 1");
  EXPECT_EQ(BadSteps("cut").size(), 2u) << "the step that stopped the run is on record too";

  ExpectUserError(Train("cut", {"--max-bad-steps", "1", "--resume"}), "--max-bad-steps 1");
  const RunResult resumed = Train("cut", {"--max-bad-steps", "2", "--resume"});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_EQ(Adapter(folder_ / "cut"), Adapter(folder_ / "whole"));
  EXPECT_EQ(BadSteps("cut"), BadSteps("whole"));
  EXPECT_EQ(State("cut", 8), State("whole", 8));
}

}  // namespace
}  // namespace lacos
