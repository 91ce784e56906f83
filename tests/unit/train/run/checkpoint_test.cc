// A checkpoint restores everything that was saved, and a damaged or unsuitable one gives an error
// that says what is wrong.
#include "lacos/train/run/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "unit/io/test_files.h"
#include "unit/train/tiny_training.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Two tensors with f32 moments and one with 8-bit moments. All their values are `value`.
struct Training : TinyTraining {
  explicit Training(double value,
                    const std::vector<Shape>& shapes = {Shape{2, 3}, Shape{5}, Shape{64, 64}})
      : TinyTraining(shapes, OptimizerKind::kAdam8, value) {}
  double First(size_t tensor) {
    double value = 0;
    std::memcpy(&value, optimizer().tensors()[tensor].value.data, sizeof(value));
    return value;
  }
};

BloomConfig Config() {
  return ParseBloomConfig(
      Json::Parse(R"({"model_type":"bloom","hidden_size":4,"n_head":2,"n_layer":1,"vocab_size":5})",
                  "config"),
      "config");
}

LoraAdapter Adapter() {
  LoraAdapter adapter{
      .settings = {.rank = 2, .alpha = 4}, .modules = {}, .biases = {}, .idle_modules = {}};
  adapter.modules["h.0.self_attention.query_key_value"] = {
      .a = {.shape = {2, 4}, .values = std::vector<float>(8, 0.5f)},
      .b = {.shape = {12, 2}, .values = std::vector<float>(24, 0.25f)},
      .b_bias = {},
      .scale = 2};
  return adapter;
}

Json Settings(int64_t seed = 1) {
  Json settings = Json::Object();
  settings.Set("seed", seed);
  settings.Set("compute", "f32");
  return settings;
}

class RunCheckpoint : public ::testing::Test {
 protected:
  std::string Save(int64_t step, int64_t keep = 2, const std::optional<LoraAdapter>& best = {}) {
    RunProgress progress{
        .step = step, .bad_steps = 1, .tokens = 100, .loss_first = 2, .loss_last = 1};
    Json evaluation = Json::Object();
    evaluation.Set("step", 1);
    evaluation.Set("spearman", std::numeric_limits<double>::quiet_NaN());
    progress.evaluations.Append(evaluation);
    progress.best_step = 1;
    return SaveCheckpoint(output_, training_.backend(), training_.optimizer(), Adapter(), best,
                          progress, Settings(), "base", keep);
  }
  LoadedRun Load(const std::string& folder, const Json& settings = Settings()) {
    return LoadCheckpoint(folder, other_.backend(), other_.optimizer(), Config(), settings);
  }
  // Loads a checkpoint after replacing the value of `key` in its progress.json by `value`.
  LoadedRun LoadWith(const std::string& folder, const std::string& key, const Json& value) {
    const std::string path = folder + "/progress.json";
    Json progress = progress_;
    progress.Set(key, value);
    std::ofstream(path) << progress.Dump();
    return Load(folder);
  }
  std::string ErrorWith(const std::string& folder, const std::string& key, const Json& value) {
    return ErrorOf([&] { LoadWith(folder, key, value); });
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const fs::path& folder : CheckpointFolders(output_))
      names.push_back(folder.filename().string());
    return names;
  }

  TestFolder folder_;
  const std::string& output_ = folder_.path();
  Training training_{0.5}, other_{0};
  Json progress_;  // the original contents of progress.json
};

TEST_F(RunCheckpoint, GivesBackTensorsProgressAndTheBestAdapter) {
  training_.optimizer().Step(0.1, 1);
  const std::string folder = Save(3, 2, Adapter());
  const LoadedRun run = Load(folder);
  EXPECT_EQ(run.progress.step, 3);
  EXPECT_EQ(run.progress.tokens, 100);
  EXPECT_EQ(run.progress.loss_first, 2);
  EXPECT_EQ(run.progress.best_step, 1);
  ASSERT_EQ(run.progress.evaluations.size(), 1u);
  EXPECT_TRUE(std::isnan(run.progress.evaluations[0].At("spearman").AsDouble()));
  EXPECT_EQ(other_.optimizer().steps(), 2) << "bad steps are none of Adam's";
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(other_.First(i), training_.First(i));
  ASSERT_TRUE(run.best);
  EXPECT_EQ(run.best->modules.begin()->second.b.values, Adapter().modules.begin()->second.b.values);
  EXPECT_FALSE(Load(Save(4)).best);
}

TEST_F(RunCheckpoint, CountsOutOfBoundsAreRefusedWithTheirBounds) {
  const std::string folder = Save(3);
  progress_ = Json::ReadFile(folder + "/progress.json");
  EXPECT_THAT(ErrorWith(folder, "step", Json(int64_t{-1})), HasSubstr("is -1; expected 0 to"));
  EXPECT_THAT(ErrorWith(folder, "step", Json(int64_t{1} << 60)),
              HasSubstr("expected 0 to 9007199254740992"));
  EXPECT_THAT(ErrorWith(folder, "bad_steps", Json(int64_t{4})), HasSubstr("is 4; expected 0 to 3"));
  EXPECT_THAT(ErrorWith(folder, "tokens", Json(int64_t{-7})), HasSubstr("tokens"));
  EXPECT_THAT(ErrorWith(folder, "evaluations_without_improvement", Json(int64_t{-1})),
              HasSubstr("expected 0"));
  EXPECT_THAT(ErrorWith(folder, "best_step", Json(int64_t{4})), HasSubstr("expected -1 to 3"));
  EXPECT_THAT(ErrorWith(folder, "best_step", Json("x")), HasSubstr("best_step"));
  EXPECT_NO_THROW(LoadWith(folder, "best_step", Json(int64_t{-1})));
}

TEST_F(RunCheckpoint, OtherSettingsAreListed) {
  const std::string folder = Save(3);
  Json other = Settings(2);
  other.Set("compute", "int8");
  EXPECT_THAT(ErrorOf([&] { Load(folder, other); }),
              HasSubstr("seed: was 1, now 2; compute: was \"f32\", now \"int8\""));
}

TEST_F(RunCheckpoint, TheStateOfOtherTensorsIsRefused) {
  const std::string folder = Save(3);
  Training turned(0, {Shape{3, 2}, Shape{5}, Shape{64, 64}}),
      longer(0, {Shape{2, 3}, Shape{5}, Shape{64, 64}, Shape{1}});
  for (const auto& [other, tensor] :
       {std::pair<Training*, const char*>{&turned, "'value.a'"}, {&longer, "'value.d'"}}) {
    const auto load = [&training = *other, &folder] {
      LoadCheckpoint(folder, training.backend(), training.optimizer(), Config(), Settings());
    };
    EXPECT_THAT(ErrorOf(load), AllOf(HasSubstr(tensor), HasSubstr("missing or of another shape")));
  }
}

TEST_F(RunCheckpoint, TheNewestOnesAreKeptAndLatestNamesTheLastOneSaved) {
  for (const int64_t step : {1, 2, 3}) Save(step, 2);
  EXPECT_THAT(Names(), ElementsAre("step-000003", "step-000002"));
  EXPECT_EQ(LatestCheckpoint(output_), "step-000003");
  // `latest` names an older checkpoint when a run was resumed from that one.
  PointLatestAt(output_, "step-000002");
  PruneCheckpoints(output_, 1);
  EXPECT_THAT(Names(), ElementsAre("step-000002"));
  PointLatestAt(output_, "");
  EXPECT_EQ(LatestCheckpoint(output_), "");
  PointLatestAt(output_, "");  // works without a file to remove
  PruneCheckpoints(output_, 1);
  EXPECT_THAT(Names(), ElementsAre("step-000002")) << "nothing goes while `latest` names none";
  EXPECT_FALSE(fs::exists(output_ + "/checkpoints/latest"));
}

TEST_F(RunCheckpoint, MoreThanAMillionStepsSortByNumber) {
  for (const int64_t step : {999999, 1000000}) Save(step, 3);
  EXPECT_THAT(Names(), ElementsAre("step-1000000", "step-999999"));
}

TEST_F(RunCheckpoint, DamagedOnesArePassedOverAndNamed) {
  const std::string first = Save(1), second = Save(2);
  std::vector<std::string> messages;
  EXPECT_EQ(FindCheckpoint(output_, messages), second);
  EXPECT_THAT(messages, IsEmpty());

  std::fstream(second + "/state.safetensors", std::ios::in | std::ios::out).seekp(200) << "damage";
  EXPECT_EQ(FindCheckpoint(output_, messages), first);
  EXPECT_THAT(messages, ElementsAre(HasSubstr("step-000002 is damaged (state.safetensors")));
  std::ofstream(first + "/lacos.json") << "{";
  messages.clear();
  EXPECT_EQ(FindCheckpoint(output_, messages), std::nullopt);
  EXPECT_EQ(messages.size(), 2u);

  const std::vector<CheckedCheckpoint> checked = CheckCheckpoints(output_);
  ASSERT_EQ(checked.size(), 2u);
  EXPECT_EQ(checked[0].problems.at(0).file, "state.safetensors");
  EXPECT_EQ(checked[1].problems.at(0).file, "lacos.json");
}

TEST_F(RunCheckpoint, AnOutputThatCannotHoldOneSaysSo) {
  std::ofstream(output_ + "/checkpoints") << "a file";
  EXPECT_THAT(ErrorOf([&] { Save(1); }), HasSubstr("could not create the folder"));
}

}  // namespace
}  // namespace lacos
