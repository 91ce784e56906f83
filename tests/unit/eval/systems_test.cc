// Several evaluations side by side: names, Pareto fronts, which results can be compared, and
// the page.
#include "lacos/eval/results/systems.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lacos/eval/results/systems_report.h"

namespace lacos {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const double kNone = std::nan("");

TEST(ParetoFront, HoldsWhatNothingElseBeatsOnBothSides) {
  // System 1 costs as much as 0 and is worse; 3 costs more than 2 and is not better; 4 has no cost
  // and 5 no score.
  EXPECT_THAT(ParetoFront({10, 10, 20, 30, kNone, 5, 15}, {50, 40, 70, 70, 90, kNone, 45}),
              ElementsAre(0, 2));
  EXPECT_THAT(ParetoFront({3, 2, 1}, {30, 20, 10}), ElementsAre(2, 1, 0)) << "by cost";
  EXPECT_THAT(ParetoFront({1, 1}, {5, 5}), ElementsAre(0, 1)) << "equals do not beat each other";
  EXPECT_TRUE(ParetoFront(std::vector<double>{}, {}).empty());
}

EvaluationResults MakeResults(double noise, Json system, int n = 60) {
  EvaluationResults results;
  results.system = std::move(system);
  for (const char* languages : {"en-en", "es-es", "en-de"}) {
    TaskResult set{.set = {.task = "sts",
                           .name = "STS17",
                           .subset = languages,
                           .split = "test",
                           .languages = {std::string(languages).substr(0, 2),
                                         std::string(languages).substr(3)}},
                   .n = n};
    for (int i = 0; i < n; ++i) {
      set.gold.push_back(i % 6);
      set.items.push_back(i % 6 + noise * std::sin(12.9898 * i + set.set.subset[3]));
    }
    set.measures = {{"spearman", 100 - noise}};
    results.sets.push_back(std::move(set));
  }
  Summarize(results, {.resamples = 100});
  return results;
}

Json About(double parameters, double memory, double ms, int64_t cached) {
  Json json = Json::Object();
  json.Set("model", "<m>");
  json.Set("parameters", parameters);
  json.Set("adapter_parameters", 5);
  json.Set("memory_bytes", memory);
  json.Set("ms_per_text", ms);
  json.Set("cached_texts", cached);
  return json;
}

SystemsComparison ThreeSystems() {
  Json file = Json::Object();
  file.Set("model", "vectors.npy");
  return CompareSystems({MakeEvaluatedSystem("small", MakeResults(8, About(100, 1e6, 2, 0))),
                         MakeEvaluatedSystem("<large>", MakeResults(2, About(1000, 4e6, 9, 3))),
                         MakeEvaluatedSystem("vectors", MakeResults(4, file))},
                        0.95);
}

TEST(Systems, CostsAreThoseOfTheRunAndUnknownWhereVectorsWereReadFromACache) {
  const SystemsComparison comparison = ThreeSystems();
  EXPECT_EQ(comparison.systems[0].parameters, 105);
  EXPECT_EQ(comparison.systems[0].ms_per_text, 2);
  EXPECT_EQ(comparison.systems[1].memory_bytes, 4e6);
  EXPECT_TRUE(std::isnan(comparison.systems[1].ms_per_text)) << "three vectors came from the cache";
  EXPECT_TRUE(std::isnan(comparison.systems[2].parameters));
}

TEST(Systems, TheFirstHeadlineIsTheInLanguageAverage) {
  const SystemsComparison comparison = ThreeSystems();
  ASSERT_FALSE(comparison.headlines.empty());
  EXPECT_EQ(comparison.averages[comparison.headlines[0]].Title(), "STS17, in-language");
  EXPECT_THAT(ParetoFront(comparison, 0, kSystemCosts[0]), ElementsAre(0, 1));
  EXPECT_THAT(ParetoFront(comparison, 0, kSystemCosts[2]), ElementsAre(0))
      << "the only one with a time";
}

TEST(Systems, ScoresOnOtherItemsAreMarkedAndNotOnAFront) {
  Json about = About(10, 1e5, 1, 0);
  const SystemsComparison comparison =
      CompareSystems({MakeEvaluatedSystem("a", MakeResults(8, About(100, 1e6, 2, 0))),
                      MakeEvaluatedSystem("b", MakeResults(1, about, 30))},
                     0.95);
  EXPECT_TRUE(comparison.set_scores[0][0].same_items);
  EXPECT_FALSE(comparison.set_scores[0][1].same_items);
  EXPECT_THAT(ParetoFront(comparison, 0, kSystemCosts[0]), ElementsAre(0));
  EXPECT_THAT(SystemsReportHtml(comparison), HasSubstr("not comparable"));
}

TEST(Systems, ThePageHasTheChartsTheMapAndTheDifferences) {
  const std::string html = SystemsReportHtml(ThreeSystems());
  for (const char* id : {"systems", "costs", "averages", "sets", "languages", "differences",
                         "parameters-0", "memory-0", "time-0", "details"}) {
    EXPECT_THAT(html, HasSubstr("id=\"" + std::string(id) + "\"")) << id;
  }
  EXPECT_THAT(html, Not(HasSubstr("<large>")));
  EXPECT_THAT(html, HasSubstr("class=\"bars"));
  EXPECT_THAT(html, HasSubstr("Cost not known: vectors ("));
  EXPECT_THAT(html, HasSubstr("shade\" style="));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  const Json json = SystemsJson(ThreeSystems());
  EXPECT_EQ(json.At("systems").size(), 3u);
  EXPECT_EQ(json.At("sets").size(), 3u);
  EXPECT_EQ(json.At("fronts")[0].At("systems").size(), 2u);
}

}  // namespace
}  // namespace lacos
