// Intervals and comparisons by resampling.
#include "lacos/eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/eval/statistics.h"

namespace lacos {
namespace {

struct Pairs {
  std::vector<double> x, y;
};
// Correlated pairs with ties.
Pairs MakePairs(int64_t n, double noise, uint64_t seed) {
  Random random(seed, RandomStream::kBatch);
  Pairs pairs;
  for (int64_t i = 0; i < n; ++i) {
    const double value = random.Normal();
    pairs.x.push_back(std::round(4 * value) / 4);
    pairs.y.push_back(value + noise * random.Normal());
  }
  return pairs;
}

TEST(ResampledCorrelations, AreThoseOfTheListWithRepeatedItems) {
  const Pairs pairs = MakePairs(60, 1, 1);
  std::vector<int32_t> counts(60);
  Random random(2, RandomStream::kBatch);
  for (int i = 0; i < 60; ++i) ++counts[random.Below(60)];
  Pairs repeated;
  for (size_t i = 0; i < counts.size(); ++i) {
    repeated.x.insert(repeated.x.end(), static_cast<size_t>(counts[i]), pairs.x[i]);
    repeated.y.insert(repeated.y.end(), static_cast<size_t>(counts[i]), pairs.y[i]);
  }
  const double tolerance = 1e-12;  // 60 items summed in another order
  EXPECT_NEAR(ResampledPearson(pairs.x, pairs.y)(counts), Pearson(repeated.x, repeated.y), tolerance);
  EXPECT_NEAR(ResampledSpearman(pairs.x, pairs.y)(counts), Spearman(repeated.x, repeated.y), tolerance);
  EXPECT_NEAR(ResampledMean(pairs.y)(counts), std::accumulate(repeated.y.begin(), repeated.y.end(), 0.0) / 60,
              tolerance);
}

// Of the mean of n values with variance 1 the standard error is 1 / sqrt(n): the interval is 2 * 1.96 of them
// wide.
TEST(Bootstrap, IntervalOfAMeanHasTheWidthOfTheNormalOne) {
  Random random(3, RandomStream::kBatch);
  std::vector<double> values(400);
  for (double& value : values) value = random.Normal();
  const Interval interval =
      PercentileInterval(BootstrapValues(400, ResampledMean(values), {.resamples = 4000}), 0.95);
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 400;
  double variance = 0;
  for (const double value : values) variance += (value - mean) * (value - mean) / 400;
  const double expected = 2 * 1.959964 * std::sqrt(variance / 400);
  EXPECT_NEAR(interval.high - interval.low, expected, 0.06 * expected);  // 4,000 resamples: ends to some 2 %
  EXPECT_LT(interval.low, mean);
  EXPECT_GT(interval.high, mean);
}

TEST(Bootstrap, CoversTheTruthAboutAsOftenAsItSays) {
  // Correlation of value and value + noise: 1 / sqrt(1 + noise^2).
  const double truth = 1 / std::sqrt(2.0);
  int covered = 0;
  const int trials = 200;
  for (int trial = 0; trial < trials; ++trial) {
    Random random(static_cast<uint64_t>(trial), RandomStream::kBatch, 9);
    Pairs pairs;
    for (int i = 0; i < 100; ++i) {
      pairs.x.push_back(random.Normal());
      pairs.y.push_back(pairs.x.back() + random.Normal());
    }
    const Interval interval = PercentileInterval(
        BootstrapValues(100, ResampledPearson(pairs.x, pairs.y), {.resamples = 300}), 0.95);
    covered += interval.low <= truth && truth <= interval.high ? 1 : 0;
  }
  // 190 expected, standard deviation 3; percentile intervals of correlations are a little too short.
  EXPECT_GE(covered, 176);
  EXPECT_LE(covered, 199);
}

TEST(Bootstrap, IsAFunctionOfItsSeedAndSet) {
  const Pairs pairs = MakePairs(50, 1, 4);
  const auto statistic = ResampledSpearman(pairs.x, pairs.y);
  const auto values = [&](uint64_t seed, uint64_t set) {
    return BootstrapValues(50, statistic, {.resamples = 50, .seed = seed}, set);
  };
  EXPECT_EQ(values(1, 0), values(1, 0));
  EXPECT_NE(values(1, 0), values(2, 0));
  EXPECT_NE(values(1, 0), values(1, 1));
}

TEST(CompareResamples, TellsABetterSystemFromAnEqualOne) {
  const Pairs good = MakePairs(300, 0.5, 5), bad = MakePairs(300, 2, 5);
  const auto draw = [](const Pairs& pairs) {
    return BootstrapValues(300, ResampledSpearman(pairs.x, pairs.y), {.resamples = 1000});
  };
  const PairedDifference better = CompareResamples(draw(good), draw(bad), 0.95);
  EXPECT_GT(better.interval.low, 0);
  EXPECT_NEAR(better.p, 2.0 / 1001, 1e-12);  // never the other sign
  const PairedDifference same = CompareResamples(draw(good), draw(good), 0.95);
  EXPECT_EQ(same.p, 1);
  EXPECT_EQ(same.interval.low, 0);
}

TEST(PercentileInterval, LiesBetweenNeighboursAsNumpysDoes) {
  // numpy.percentile(range(11), [2.5, 97.5]) = 0.25, 9.75.
  std::vector<double> values(11);
  std::iota(values.begin(), values.end(), 0.0);
  const Interval interval = PercentileInterval(values, 0.95);
  EXPECT_NEAR(interval.low, 0.25, 1e-12);
  EXPECT_NEAR(interval.high, 9.75, 1e-12);
}

}  // namespace
}  // namespace lacos
