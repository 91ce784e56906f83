// Compares the memory that `lacos plan` predicts with the memory of a new `lacos train` process,
// and tests runs that do not fit into memory.
#include <fmt/format.h>

#include <cmath>

#include "lacos/io/json.h"
#include "program.h"
#include "sanitizer.h"

namespace lacos {
namespace {

// A table of pairs of texts with 5 to `longest` letters. Each letter is a token.
std::string Pairs(int count, int longest) {
  std::string table = "anchor\tpositive\n";
  const auto text = [&](int i) {
    std::string letters;
    const int length = 5 + i * 37 % (longest - 4);
    for (int k = 0; k < length; ++k)
      letters += static_cast<char>('a' + (i * 7 + k * (i % 11 + 1)) % 26);
    return letters;
  };
  for (int i = 0; i < count; ++i) table += text(2 * i) + "\t" + text(2 * i + 1) + "\n";
  return table;
}

std::string Model(const TempFolder& folder, int hidden, int layers) {
  const std::string config = folder.Write(
      "config.json",
      fmt::format(R"({{"hidden_size": {}, "n_head": 4, "n_layer": {}, "vocab_size": 1000}})",
                  hidden, layers));
  const RunResult result =
      RunLacos({"init", "--config", config, "--output", folder / "model", "--quantized"});
  EXPECT_EQ(result.status, 0) << result.err;
  return folder / "model";
}

struct PlanCase {
  const char* name;
  int hidden, layers, pairs, longest;
  std::vector<std::string> flags;
};

class PlannedPeak : public testing::TestWithParam<PlanCase> {};

// Resident memory hardly depends on the machine's load, because every touched page counts. The
// tolerance of 10 % of at least 60 MB allows for effects of the C library and the kernel, such as
// heap slack and pages that are mapped around a page fault.
TEST_P(PlannedPeak, IsWithinTenPercentOfTheProcess) {
  if (kSanitizerMemory) GTEST_SKIP() << "the process is larger by shadow memory";
  const PlanCase& plan_case = GetParam();
  const TempFolder folder;
  const std::string model = Model(folder, plan_case.hidden, plan_case.layers);
  const std::string data = folder.Write("pairs.tsv", Pairs(2 * plan_case.pairs, plan_case.longest));
  const auto arguments = [&](std::vector<std::string> words) {
    words.insert(words.end(),
                 {"--model", model, "--train", data, "--batch-size",
                  std::to_string(plan_case.pairs), "--max-steps", "2", "--json", "--quiet"});
    words.insert(words.end(), plan_case.flags.begin(), plan_case.flags.end());
    return words;
  };
  const RunResult planned = RunLacos(arguments({"plan"}));
  ASSERT_EQ(planned.status, 0) << planned.err;
  const RunResult trained = RunLacos(arguments({"train", "--output", folder / "out"}));
  ASSERT_EQ(trained.status, 0) << trained.err;
  const double predicted = Json::Parse(planned.out, "plan").At("peak_bytes").AsDouble();
  const Json report = Json::Parse(trained.out, "train");
  const double measured = report.At("peak_rss_bytes").AsDouble();
  EXPECT_GT(measured, 60e6) << "small-but-not-tiny";
  EXPECT_NEAR(predicted, measured, 0.10 * measured) << planned.out;
  // `lacos train` makes the same prediction itself.
  EXPECT_NEAR(report.At("planned_peak_bytes").AsDouble(), predicted, 0.05 * predicted);
}
INSTANTIATE_TEST_SUITE_P(Shapes, PlannedPeak,
                         testing::Values(PlanCase{"Direct", 256, 4, 32, 75, {}},
                                         PlanCase{
                                             "StreamedRecomputedAllTargets",
                                             512,
                                             6,
                                             24,
                                             60,
                                             {"--stream-layers", "--gradient-strategy", "recompute",
                                              "--lora-target",
                                              "query_key_value,dense,dense_h_to_4h,dense_4h_to_h"}},
                                         PlanCase{"Int8InChunks",
                                                  256,
                                                  6,
                                                  64,
                                                  75,
                                                  {"--compute", "int8", "--gradient-strategy",
                                                   "gradcache", "--chunk-tokens", "1024"}}),
                         [](const auto& info) { return std::string(info.param.name); });

// A config.json without weights gives the same plan as the model that it describes.
TEST(PlanCommand, NeedsOnlyAConfiguration) {
  const TempFolder folder;
  const std::string model = Model(folder, 256, 4);
  const auto plan = [&](const std::string& path, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"plan", "--model", path,     "--batch-size",
                                      "16",   "--json",  "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    const RunResult result = RunLacos(words);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::Parse(result.out, "plan");
  };
  const Json whole = plan(model), shape = plan(folder / "config.json");
  EXPECT_EQ(shape.At("components").At("base").AsInt(), whole.At("components").At("base").AsInt());
  EXPECT_EQ(shape.At("components").At("activations").AsInt(),
            whole.At("components").At("activations").AsInt());
  EXPECT_EQ(shape.At("disk_bytes").AsInt(), whole.At("disk_bytes").AsInt());
  if (!kSanitizerMemory) {
    // The small difference arises because only one of the processes read a tokenizer and the header
    // of the weights.
    EXPECT_NEAR(shape.At("peak_bytes").AsDouble(), whole.At("peak_bytes").AsDouble(), 10e6);
    EXPECT_LT(shape.At("streamed_peak_bytes").AsInt(), shape.At("resident_peak_bytes").AsInt());
  }
  EXPECT_EQ(shape.At("flops_per_token").AsDouble(), 4.0 * 12 * 4 * 256 * 256);
  // Even the largest BLOOM can be planned, quantized or (--scheme none) with its original weights.
  const std::string huge = folder.Write(
      "huge.json", R"({"hidden_size": 14336, "n_head": 112, "n_layer": 70, "vocab_size": 250880})");
  const Json large = plan(huge, {"--gradient-strategy", "gradcache"});
  EXPECT_GT(large.At("resident_peak_bytes").AsDouble(), 172e9);
  EXPECT_LT(large.At("streamed_peak_bytes").AsDouble(), 40e9);
  EXPECT_NEAR(plan(huge, {"--scheme", "none", "--gradient-strategy", "gradcache"})
                  .At("disk_bytes")
                  .AsDouble(),
              2 * 176.247e9, 1e9);
  ExpectUsageError(RunLacos({"plan", "--model", model, "--scheme", "linear"}), "without weights");
  ExpectUsageError(RunLacos({"plan", "--model", huge, "--train", huge}), "--train");
}

// A limit on private memory (`ulimit -d`) simulates a machine with less memory.
TEST(Memory, ARunThatCannotFitIsRefusedBeforeItsFirstStep) {
  if (kSanitizerMemory) GTEST_SKIP() << "shadow memory is beyond any limit";
  const TempFolder folder;
  const std::string model = Model(folder, 256, 4);
  const std::string data = folder.Write("pairs.tsv", Pairs(64, 75));
  const std::vector<std::string> run = {"--model",      model, "--train",   data,
                                        "--batch-size", "64",  "--threads", "1"};
  const auto with = [&](std::vector<std::string> words, const std::vector<std::string>& more = {}) {
    words.insert(words.end(), run.begin(), run.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const RunOptions small{.data_limit_bytes = 110 << 20};
  const RunResult refused = RunLacos(
      with({"train", "--output", folder / "out", "--quiet"}, {"--gradient-strategy", "direct"}),
      small);
  ExpectUserError(refused, "this run needs");
  EXPECT_NE(refused.err.find("--memory-budget"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--stream-layers"), std::string::npos) << refused.err;
  EXPECT_EQ(folder.Names(), (std::vector<std::string>{"config.json", "model", "pairs.tsv"}));
  ExpectUserError(
      RunLacos(with({"bench", "train", "--quiet"}, {"--gradient-strategy", "direct"}), small),
      "this run needs");
  // `lacos plan` reports that the run does not fit.
  const RunResult planned =
      RunLacos(with({"plan", "--json"}, {"--gradient-strategy", "direct"}), small);
  ASSERT_EQ(planned.status, 0) << planned.err;
  EXPECT_FALSE(Json::Parse(planned.out, "plan").At("fits").AsBool());
  // Near the limit, what the plan lets pass may still be refused by the system, with the same error.
  for (const long megabytes : {120, 130, 140, 150, 160}) {
    const RunResult near =
        RunLacos(with({"train", "--output", folder / "out", "--quiet"},
                      {"--gradient-strategy", "direct", "--max-steps", "1", "--overwrite"}),
                 {.data_limit_bytes = megabytes << 20});
    if (near.status != 0) ExpectUserError(near, "this run needs");
  }
  // Without the limit the same run succeeds.
  EXPECT_EQ(RunLacos(with({"train", "--output", folder / "out", "--quiet", "--max-steps", "1",
                           "--overwrite"}))
                .status,
            0);
}

// The library of products crashes where memory for the code that it generates is refused.
TEST(Memory, AnyLimitOfPrivateMemoryEndsInSuccessOrAnError) {
  if (kSanitizerMemory) GTEST_SKIP() << "shadow memory is beyond any limit";
  const TempFolder folder;
  const std::string model = Model(folder, 128, 2);
  const std::string data = folder.Write("pairs.tsv", Pairs(8, 20));
  int refused = 0, succeeded = 0;
  for (long megabytes = 10; megabytes <= 60; megabytes += 5) {
    const RunOptions small{.data_limit_bytes = megabytes << 20};
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"info", "--model", model},
             {"train", "--model", model, "--train", data, "--output", folder / "out", "--overwrite",
              "--batch-size", "4", "--max-steps", "1", "--threads", "1", "--quiet"}}) {
      const RunResult result = RunLacos(command, small);
      (result.status == 0 ? succeeded : refused) += 1;
      EXPECT_TRUE(result.status == 0 || result.status == 1)
          << "status " << result.status << ", " << command[0] << " with " << megabytes
          << " MiB: " << result.err;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(succeeded, 0);
}

}  // namespace
}  // namespace lacos
