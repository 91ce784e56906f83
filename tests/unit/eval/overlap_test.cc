// Finds the test texts that occur in training, and computes the score without them.
#include "lacos/eval/results/overlap.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lacos/eval/measures/statistics.h"

namespace lacos {
namespace {

struct Case {
  TextTable texts;
  TaskResult result;
  std::set<int64_t> rows;
};

// Six pairs. The first two occur in training, and their cosines contradict the gold scores.
Case MakeCase(const std::string& task) {
  Case c;
  c.result.set.task = task;
  c.result.set.name = "pairs";
  const std::vector<std::vector<std::string>> pairs = {{"One text.", "another"},
                                                       {"seen here", "not here"},
                                                       {"a", "b"},
                                                       {"c", "d"},
                                                       {"e", "f"},
                                                       {"g", "h"}};
  for (const auto& pair : pairs) {
    c.result.first.push_back(c.texts.Add(pair[0]));
    c.result.second.push_back(c.texts.Add(pair[1]));
  }
  for (int64_t row = 0; row < c.texts.size(); ++row) c.rows.insert(row);
  c.result.items = {0.9, 0.1, 0.2, 0.4, 0.5, 0.8};
  c.result.gold =
      task == "sts" ? std::vector<double>{0, 5, 1, 2, 4, 3} : std::vector<double>{0, 1, 0, 1, 0, 1};
  c.result.measures = {{"spearman", 100 * Spearman(c.result.items, c.result.gold)}};
  c.result.n = 6;
  return c;
}

TEST(Overlap, CountsTextsAndPairsAndScoresTheRest) {
  const Case c = MakeCase("sts");
  TrainingTexts trained;
  trained.AddExample({"One text.", "Another"});
  trained.AddExample({"Seen here!", "something else"});
  const Overlap overlap =
      FindOverlap(c.texts, FindTexts(c.texts, trained), trained, c.rows, c.result);
  EXPECT_EQ(overlap.texts, 12);
  EXPECT_EQ(overlap.texts_seen, 3);
  EXPECT_EQ(overlap.texts_seen_exactly, 1);
  EXPECT_EQ(overlap.pairs, 6);
  EXPECT_EQ(overlap.pairs_seen, 1);
  EXPECT_EQ(overlap.pairs_seen_exactly, 0) << "\"Another\" is not \"another\"";
  EXPECT_EQ(overlap.unseen_pairs, 4);
  EXPECT_NEAR(overlap.unseen_score, 80, 1e-12) << "ranks 1 2 3 4 against 1 2 4 3";
  const Overlap read = ReadOverlap(OverlapJson(overlap, "spearman"));
  EXPECT_EQ(OverlapJson(read, "spearman").Dump(), OverlapJson(overlap, "spearman").Dump());
}

TEST(Overlap, OfPairsOfOneClassHasNoScore) {
  Case c = MakeCase("pair_classification");
  TrainingTexts trained;
  Overlap overlap = FindOverlap(c.texts, FindTexts(c.texts, trained), trained, c.rows, c.result);
  EXPECT_EQ(overlap.texts_seen, 0);
  EXPECT_TRUE(std::isfinite(overlap.unseen_score));
  for (const char* text : {"c", "g", "seen here"}) trained.AddExample({text});
  overlap = FindOverlap(c.texts, FindTexts(c.texts, trained), trained, c.rows, c.result);
  EXPECT_EQ(overlap.unseen_pairs, 3);
  EXPECT_TRUE(std::isnan(overlap.unseen_score)) << "only pairs with label 0 are left";
}

}  // namespace
}  // namespace lacos
