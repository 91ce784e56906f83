// The statistics of a sweep on scores whose true intervals and slopes are known.
#include "lacos/sweep/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lacos/base/rng.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;

ScoreSeries Constant(double value, int64_t resamples = 2000) {
  return {.name = "s",
          .value = value,
          .resamples = std::vector<double>(static_cast<size_t>(resamples), value)};
}

double Variance(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  for (const double v : values)
    squares += (v - mean) * (v - mean) / static_cast<double>(values.size() - 1);
  return squares;
}

TEST(CombineSeeds, MeanAndDeviationAreThoseOfTheSeeds) {
  const CellScore score = CombineSeeds({Constant(10), Constant(12), Constant(17)}, {});
  EXPECT_DOUBLE_EQ(score.mean, 13);
  EXPECT_NEAR(score.sd, std::sqrt((9.0 + 1 + 16) / 2), 1e-12);
  EXPECT_THAT(score.by_seed, ElementsAre(10, 12, 17));
}

TEST(CombineSeeds, WithoutChanceInTheItemsTheSpreadIsThatOfAMeanOfSeeds) {
  // The expected variance is sd^2 / n = 13 / 3. An unscaled bootstrap would give a third less. The
  // tolerance is 4 standard errors of a variance from 20000 draws.
  const BootstrapOptions options{.resamples = 20000};
  const CellScore score =
      CombineSeeds({Constant(10, 20000), Constant(12, 20000), Constant(17, 20000)}, options);
  EXPECT_NEAR(Variance(score.resamples), 13.0 / 3, 4 * std::sqrt(2.0 / 20000) * 13 / 3);
}

TEST(CombineSeeds, EqualSeedsLeaveTheItemsChanceAlone) {
  ScoreSeries run = Constant(0);
  Random random(1, RandomStream::kBootstrap);
  for (double& value : run.resamples) value = random.Normal();
  const CellScore score = CombineSeeds({run, run, run}, {});
  for (size_t b = 0; b < run.resamples.size(); ++b)
    EXPECT_NEAR(score.resamples[b], run.resamples[b], 1e-12);
}

TEST(CombineSeeds, CellsWithTheSameSeedsArePaired) {
  // The second cell is the first plus one point. Each score is uncertain, but
  // their difference is not.
  std::vector<ScoreSeries> a, b;
  for (int seed = 0; seed < 3; ++seed) {
    ScoreSeries run = Constant(50 + seed);
    Random random(static_cast<uint64_t>(seed), RandomStream::kBootstrap);
    for (double& value : run.resamples) value += random.Normal();
    a.push_back(run);
    run.value += 1;
    for (double& value : run.resamples) value += 1;
    b.push_back(run);
  }
  const PairedDifference difference =
      CompareResamples(CombineSeeds(b, {}).resamples, CombineSeeds(a, {}).resamples, 0.95);
  EXPECT_NEAR(difference.interval.low, 1, 1e-9);
  EXPECT_NEAR(difference.interval.high, 1, 1e-9);
  const Interval own = PercentileInterval(CombineSeeds(a, {}).resamples, 0.95);
  EXPECT_GT(own.high - own.low, 1);
}

TEST(CombineSeeds, OneRunKeepsItsResamples) {
  const CellScore score = CombineSeeds({Constant(3)}, {});
  EXPECT_EQ(score.mean, 3);
  EXPECT_TRUE(std::isnan(score.sd));
  EXPECT_EQ(score.resamples, Constant(3).resamples);
}

CellScore Exact(double value) {
  return {.mean = value, .resamples = std::vector<double>(100, value)};
}

TEST(FitGrowth, AKnownLineRecoversItsSlope) {
  const CellScore a = Exact(40), b = Exact(42.5), c = Exact(47.5);
  const Growth growth = FitGrowth({3, 4, 6}, {&a, &b, &c}, 0.95);
  EXPECT_NEAR(growth.slope, 2.5, 1e-12);
  EXPECT_NEAR(growth.interval.low, 2.5, 1e-12);
  EXPECT_NEAR(growth.interval.high, 2.5, 1e-12);
  EXPECT_FALSE(growth.has_zero);
}

TEST(FitGrowth, ASlopeByHand) {
  // For x = 0, 1, 2 and y = 1, 0, 5: sum (x - 1)(y - 2) / sum (x - 1)^2 = (1 + 0 + 3) / 2.
  const CellScore a = Exact(1), b = Exact(0), c = Exact(5);
  EXPECT_NEAR(FitGrowth({0, 1, 2}, {&a, &b, &c}, 0.95).slope, 2, 1e-12);
}

TEST(FitGrowth, NoiseAloneHoldsZero) {
  std::vector<CellScore> cells(3);
  Random random(5, RandomStream::kBootstrap);
  for (CellScore& cell : cells) {
    for (int b = 0; b < 500; ++b) cell.resamples.push_back(random.Normal());
  }
  EXPECT_TRUE(FitGrowth({1, 2, 3}, {&cells[0], &cells[1], &cells[2]}, 0.95).has_zero);
}

TEST(JudgeDifference, TheWholeIntervalDecides) {
  EXPECT_EQ(JudgeDifference({-0.2, 0.1}, 0.3), Verdict::kWithin);
  EXPECT_EQ(JudgeDifference({-0.4, 0.1}, 0.3), Verdict::kUndecided);
  EXPECT_EQ(JudgeDifference({-0.9, -0.4}, 0.3), Verdict::kOutside);
  EXPECT_EQ(JudgeDifference({0.4, 0.9}, 0.3), Verdict::kOutside);
  EXPECT_EQ(JudgeDifference({std::nan(""), std::nan("")}, 0.3), Verdict::kUndecided);
}

TaskResult Set(const char* name, const char* subset, double value) {
  return {.set = {.task = "sts", .name = name, .subset = subset, .split = "dev"},
          .n = 10,
          .measures = {{"spearman", value}},
          .resamples = {value - 1, value + 1}};
}

TEST(ScoresOf, SetsThenAveragesThenTheMeanOfAll) {
  EvaluationResults results;
  results.bootstrap.resamples = 2;
  results.sets = {Set("A", "en", 50), Set("A", "ja", 40), Set("B", "", 60)};
  results.aggregates = {{.group = "A",
                         .convention = "mean",
                         .measure = "spearman",
                         .value = 45,
                         .n = 20,
                         .resamples = {44, 46}}};
  const std::vector<ScoreSeries> scores = ScoresOf(results);
  std::vector<std::string> names;
  for (const ScoreSeries& score : scores) names.push_back(score.name);
  EXPECT_THAT(names, ElementsAre("A en", "A ja", "B", "A mean", "mean of 3 sets"));
  EXPECT_NEAR(scores.back().value, 50, 1e-12);
  EXPECT_NEAR(scores.back().resamples[1], 51, 1e-12);
  EXPECT_EQ(scores.back().n, 30);
}

}  // namespace
}  // namespace lacos
