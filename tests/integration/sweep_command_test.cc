// `lacos sweep` from end to end on a tiny model: results, resuming, failures, interruption.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "lacos/io/json.h"
#include "measurements.h"
#include "program.h"
#include "training_runs.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// A sweep of eight runs: two trained cells with three seeds each, and two untrained cells.
class SweepCommand : public ::testing::Test {
 protected:
  SweepCommand() {
    folder_.Write("nli.tsv", NliTable());
    std::string sts = "sentence1\tsentence2\tscore\n";
    for (int i = 0; i < 20; ++i)
      sts += fmt::format("{}\t{}\t{}\n", Sentence(i), Sentence(i * i), i % 6);
    folder_.Write("sts.tsv", sts);
    WriteRecipe("max_steps = 2", "{layers = [0, 1]}");
  }
  void WriteRecipe(const std::string& settings, const std::string& vary,
                   const std::string& data = "nli.tsv") {
    folder_.Write("recipe.toml", fmt::format(R"(seeds = [1, 2, 3]
[bases]
tiny = "{}"
[data]
nli = "{}"
[evaluation]
resamples = 200
[[evaluation.file]]
name = "pairs"
path = "sts.tsv"
[settings]
batch_size = 4
learning_rate = 1e-2
quantization = "linear/row"
{}
[[study]]
name = "depth"
title = "Depth of the base"
vary = {}
within = 0.5
)",
                                             TinyModel(), data, settings, vary));
  }
  RunResult Sweep(const std::vector<std::string>& more = {}, const RunOptions& options = {}) const {
    std::vector<std::string> arguments = {
        "sweep", folder_ / "recipe.toml", "--output", folder_ / "out", "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunLacos(arguments, options);
  }

  TempFolder folder_;
};

TEST_F(SweepCommand, TheMeaningOfZeroAndOneIsASetting) {
  std::string pairs = "sentence1\tsentence2\tlabel\n";
  for (int i = 0; i < 20; ++i)
    pairs += fmt::format("{}\t{}\t{}\n", Sentence(i), Sentence(i + 30), i % 4 == 0 ? 0 : 1);
  folder_.Write("pairs.tsv", pairs);
  WriteRecipe("max_steps = 1\nlabel_scheme = \"paraphrase\"", "{layers = [1]}", "pairs.tsv");
  const RunResult result = Sweep({"--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json sweep = Json::Parse(result.out, "sweep");
  EXPECT_EQ(sweep.At("settings").At("label_scheme").AsString(), "paraphrase");
  EXPECT_EQ(sweep.At("cells")[0].At("costs").At("examples").AsDouble(), 15)
      << "those with the label 1";

  WriteRecipe("max_steps = 1", "{layers = [1]}", "pairs.tsv");
  const RunResult open = Sweep();
  EXPECT_NE(open.status, 0);
  EXPECT_THAT(open.err, HasSubstr("label-scheme"));
}

TEST_F(SweepCommand, AResumedSweepHasTheResultsOfAnUndisturbedOne) {
  const RunResult first = Sweep({"--json"});
  ASSERT_EQ(first.status, 0) << first.err;
  const Json sweep = Json::Parse(first.out, "sweep");
  ASSERT_EQ(sweep.At("cells").size(), 4u);
  const Json cell = sweep.At("cells")[0];
  EXPECT_EQ(cell.At("scores")[0].At("by_seed").size(), 3u);
  EXPECT_GT(cell.At("costs").At("trainable_parameters").AsDouble(), 0);
  EXPECT_GT(cell.At("costs").At("train_peak_rss_bytes").AsDouble(), 1e6);
  EXPECT_EQ(cell.At("costs").At("steps").AsDouble(), 2);
  EXPECT_TRUE(cell.At("relative_error").Has("query_key_value"));
  EXPECT_EQ(sweep.At("cells")[1].At("costs").At("base_layers").AsDouble(), 1);
  EXPECT_TRUE(sweep.At("studies")[0].At("rows")[1].Has("difference_interval"));
  for (const char* name :
       {"sweep.json", "sweep.csv", "report.html", "run.json", "lacos.json", "recipe.toml",
        "cells/common/seed-1/cell.json", "cells/layers=1/seed-3/items.jsonl",
        "bases/tiny-1layers-linear-row/lacos.json"}) {
    EXPECT_TRUE(fs::exists(folder_ / "out/" + name)) << name;
  }
  EXPECT_FALSE(fs::exists(folder_ / "out/cells/common/seed-1/model"));
  EXPECT_EQ(RunLacos({"verify", folder_ / "out"}).status, 0);

  const Json run = Json::ReadFile(folder_ / "out/run.json");
  EXPECT_EQ(run.At("arguments")[0].AsString(), folder_ / "recipe.toml")
      << "positional arguments too";
  EXPECT_EQ(run.At("flags").At("RECIPE").AsString(), folder_ / "recipe.toml");

  fs::remove_all(folder_ / "out/cells/layers=1/seed-2");
  const std::string kept = ReadAll(folder_ / "out/cells/layers=1/seed-1/cell.json");
  const RunResult second = Sweep({"--json"});
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_THAT(second.err, HasSubstr("7 of 8 runs are there already"));
  EXPECT_EQ(ReadAll(folder_ / "out/cells/layers=1/seed-1/cell.json"), kept);
  EXPECT_EQ(WithoutMeasurements(sweep).Dump(2),
            WithoutMeasurements(Json::Parse(second.out, "sweep")).Dump(2));

  const std::string page = ReadAll(folder_ / "out/report.html");
  EXPECT_THAT(page, HasSubstr("Depth of the base"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  fs::remove(folder_ / "out/report.html");
  EXPECT_EQ(RunLacos({"report", folder_ / "out"}).status, 0);
  EXPECT_EQ(ReadAll(folder_ / "out/report.html"), page);
}

TEST_F(SweepCommand, ChangedCellsAreMadeAnewAndStaleOnesNamed) {
  ASSERT_EQ(Sweep().status, 0);
  const std::string unfinished = folder_ / "out/cells/layers=1/.seed-1.lacos-tmp-999999999-0";
  fs::create_directory(unfinished);  // imitates what a killed process leaves
  WriteRecipe("max_steps = 2", "{layers = [0], lora_rank = [8, 2]}");
  const RunResult other = Sweep();
  EXPECT_FALSE(fs::exists(unfinished));
  ASSERT_EQ(other.status, 0) << other.err;
  EXPECT_THAT(other.err, HasSubstr("not part of this recipe: layers=1/seed-1"));
  EXPECT_THAT(other.err, HasSubstr("4 of 7 runs are there already"));
  WriteRecipe("max_steps = 3", "{layers = [0], lora_rank = [8, 2]}");
  const RunResult changed = Sweep({"--json"});
  ASSERT_EQ(changed.status, 0) << changed.err;
  EXPECT_THAT(changed.err, HasSubstr("common, seed 1: settings or files have changed"));
  // Only the run of the untrained base is still valid.
  EXPECT_THAT(changed.err, HasSubstr("1 of 7 runs are there already"));
  EXPECT_EQ(Json::Parse(changed.out, "sweep").At("cells")[0].At("costs").At("steps").AsDouble(), 3);
}

TEST_F(SweepCommand, ItsRecordHasTheRecipeWhereverItStands) {
  ASSERT_EQ(RunLacos({"sweep", "--keep-going", folder_ / "recipe.toml", "--output", folder_ / "out",
                      "--quiet"})
                .status,
            0);
  EXPECT_EQ(Json::ReadFile(folder_ / "out/run.json").At("arguments").Dump(),
            fmt::format(R"(["{}", "--keep-going"])", folder_ / "recipe.toml"));
}

TEST_F(SweepCommand, AFailedCellEndsTheSweepOrIsLeftOut) {
  // Rank 4096 exceeds what the tiny model's width allows.
  WriteRecipe("max_steps = 2", "{lora_rank = [4, 4096]}");
  ExpectUserError(Sweep({"--quiet"}), "[cell lora_rank=4096, seed 1]");
  EXPECT_TRUE(fs::exists(folder_ / "out/cells/lora_rank=4/seed-3/cell.json"));
  const RunResult going = Sweep({"--keep-going", "--json"});
  ASSERT_EQ(going.status, 0) << going.err;
  const Json sweep = Json::Parse(going.out, "sweep");
  EXPECT_TRUE(sweep.At("cells")[0].Has("scores"));
  EXPECT_THAT(sweep.At("cells")[1].At("failed").AsString(), HasSubstr("rank"));
}

TEST_F(SweepCommand, CtrlCEndsWithEverythingFinishedKept) {
  WriteRecipe("max_steps = 100000", "{lora_rank = [4, 8]}");
  const RunResult result = Sweep({}, {.signal = SIGINT, .signal_after_ms = 1500});
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_THAT(result.err, HasSubstr("interrupted"));
  EXPECT_FALSE(fs::exists(folder_ / "out/sweep.json"));
  WriteRecipe("max_steps = 1", "{lora_rank = [4, 8]}");
  EXPECT_EQ(Sweep().status, 0);  // the lock ended with the first process
}

TEST_F(SweepCommand, ADryRunListsCellsWithTheirMemoryAndWritesNothing) {
  const RunResult result = Sweep({"--dry-run", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json plan = Json::Parse(result.out, "plan");
  EXPECT_EQ(plan.At("trainings").AsInt(), 6);
  EXPECT_EQ(plan.At("evaluations").AsInt(), 8);
  EXPECT_GT(plan.At("cells")[0].At("planned_peak_bytes").AsInt(), 1'000'000);
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(SweepCommand, WrongCommandLinesAndFoldersAreRefused) {
  ExpectUsageError(Sweep({"--compute", "f32"}), "--compute");
  ExpectUsageError(RunLacos({"sweep", folder_ / "recipe.toml"}), "--output");
  ExpectUserError(RunLacos({"sweep", folder_ / "nowhere.toml", "--output", folder_ / "out"}),
                  "nowhere.toml");
  ExpectUserError(
      RunLacos({"sweep", folder_ / "recipe.toml", "--output", folder_.path(), "--quiet"}),
      "something else");
  WriteRecipe("ranks = 3", "{layers = [0, 1]}");
  ExpectUserError(Sweep({"--quiet"}), "settings.ranks");
}

}  // namespace
}  // namespace lacos
