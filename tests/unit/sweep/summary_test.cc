// sweep.json and its readable forms, made from finished runs whose scores are known.
#include "lacos/sweep/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "lacos/eval/results/results.h"
#include "recipe_fixture.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Writes a finished run with twenty pairs whose cosines follow the gold scores, except for some
// that are disturbed. The more pairs are disturbed, the lower is the score.
void WriteRun(const std::string& folder, const Cell& cell, int disturbed, double examples) {
  std::filesystem::create_directories(folder);
  EvaluationResults results;
  TaskResult set{.set = {.task = "sts", .name = "pairs", .split = "dev"}, .n = 20};
  for (int i = 0; i < 20; ++i) {
    set.gold.push_back(i);
    set.items.push_back(i < disturbed ? 0.9 - 0.01 * i : 0.01 * i);
  }
  set.measures = {{"spearman", 50.0 - disturbed}, {"pearson", 0}};
  results.sets.push_back(set);
  std::ofstream(folder + "/results.json") << ResultsJson(results, 0.95).Dump();
  std::ofstream(folder + "/items.jsonl") << ItemsJsonl(results);
  Json json = Json::Object(), train = Json::Object(), encode = Json::Object();
  train.Set("examples", examples);
  train.Set("seconds", 2.0);
  encode.Set("ms_per_text", 1.5);
  if (cell.trained) {
    json.Set("train", train);
    json.Set("trainable_parameters", 100);
    json.Set("adapter_bytes", 400);
  }
  json.Set("encode", encode);
  json.Set("base_parameters", 1000);
  json.Set("base_layers", 2);
  json.Set("base_bytes", 2000);
  json.Set("relative_error", Json());
  json.Set("isa", "none");
  json.Set("lacos_version", "0");
  std::ofstream(folder + "/cell.json") << json.Dump();
}

class SummaryTest : public ::testing::Test {
 protected:
  SummaryTest()
      : recipe_(folder_.Parse(
            kRecipeStart +
            "[[study]]\nname = \"data\"\ntitle = \"How <much> data\"\nwithin = 0.5\nvary = "
            "{data_fraction = [0.25, 0.5, 1.0]}\n")),
        grid_(MakeGrid(recipe_)) {
    for (const Grid::Run& run : grid_.Runs(recipe_.seeds)) {
      const Cell& cell = grid_.cells[run.cell];
      const std::string path = folder_ / (cell.folder + std::to_string(run.seed));
      const double fraction = cell.settings.train.data_fraction;
      const int disturbed = cell.trained ? static_cast<int>(2 - 2 * std::log2(fraction)) : 9;
      WriteRun(path, cell, disturbed, 800 * fraction);
      runs_.push_back({.cell = run.cell, .seed = run.seed, .folder = path});
    }
  }

  RecipeFolder folder_;
  SweepRecipe recipe_;
  Grid grid_;
  std::vector<FinishedRun> runs_;
};

TEST_F(SummaryTest, ScoresDifferencesGrowthAndFrontsAreThere) {
  const Json sweep = SummarizeSweep(recipe_, grid_, runs_, {});
  EXPECT_EQ(sweep.At("score").AsString(), "pairs");
  EXPECT_EQ(sweep.At("cells").size(), 4u);
  const Json study = sweep.At("studies")[0];
  EXPECT_EQ(study.At("baseline").AsString(), "common");
  EXPECT_NEAR(study.At("rows")[0].At("mean").AsDouble(), 44, 1e-9);
  EXPECT_NEAR(study.At("rows")[0].At("difference").AsDouble(), -4, 1e-9);
  EXPECT_FALSE(study.At("rows")[2].Has("difference"));
  const Json growth = study.At("growth")[0];
  EXPECT_EQ(growth.At("size").AsString(), "examples");
  EXPECT_NEAR(growth.At("points_per_doubling").AsDouble(), 2, 1e-9);
  const Json pareto = sweep.At("pareto");
  for (size_t i = 0; i < pareto.size(); ++i) {
    bool has_best = false;
    for (size_t k = 0; k < pareto[i].At("points").size(); ++k) {
      const Json point = pareto[i].At("points")[k];
      has_best =
          has_best || (point.At("cell").AsString() == "common" && point.At("front").AsBool());
    }
    // The best score is always on the front.
    EXPECT_TRUE(has_best) << pareto[i].At("cost").AsString();
  }
}

TEST_F(SummaryTest, AFailedCellIsNamedAndLeftOut) {
  const Json sweep = SummarizeSweep(recipe_, grid_, runs_, {{0, "[x] went wrong"}});
  EXPECT_EQ(sweep.At("cells")[0].At("failed").AsString(), "[x] went wrong");
  EXPECT_FALSE(sweep.At("studies")[0].At("rows")[0].Has("mean"));
  EXPECT_EQ(sweep.At("studies")[0].At("growth").size(), 0u);  // two points are not enough
  EXPECT_THAT(SweepText(sweep), HasSubstr("went wrong"));
  EXPECT_THAT(SweepReportHtml(sweep, Json()), HasSubstr("went wrong"));
}

TEST_F(SummaryTest, AnUnknownScoreListsTheKnownOnes) {
  recipe_.evaluation.score = "triples";
  try {
    SummarizeSweep(recipe_, grid_, runs_, {});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'pairs'"));
  }
}

TEST_F(SummaryTest, TheFormsThatPeopleReadAreWhole) {
  const Json sweep = SummarizeSweep(recipe_, grid_, runs_, {});
  const std::string html = SweepReportHtml(sweep, Json());
  EXPECT_THAT(html, HasSubstr("How &lt;much&gt; data"));
  for (const char* forbidden : {"<script", "http://", "https://", "src="})
    EXPECT_THAT(html, Not(HasSubstr(forbidden)));
  const std::string csv = SweepCsv(sweep);
  const size_t columns = static_cast<size_t>(
      std::count(csv.begin(), csv.begin() + static_cast<int64_t>(csv.find('\n')), ','));
  size_t lines = 0;
  for (size_t begin = 0; begin < csv.size(); ++lines) {
    const size_t end = csv.find('\n', begin);
    EXPECT_EQ(static_cast<size_t>(std::count(csv.begin() + static_cast<int64_t>(begin),
                                             csv.begin() + static_cast<int64_t>(end), ',')),
              columns);
    begin = end + 1;
  }
  EXPECT_EQ(lines, 5u);  // a header, and one score for each of four cells
  EXPECT_THAT(SweepText(sweep), HasSubstr("Each doubling of the examples"));
}

}  // namespace
}  // namespace lacos
