// Confidence intervals and comparisons by resampling.
#include "lacos/eval/measures/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/eval/measures/statistics.h"

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
  const double tolerance = 1e-12;  // the 60 items are summed in another order
  EXPECT_NEAR(ResampledPearson(pairs.x, pairs.y)(counts), Pearson(repeated.x, repeated.y),
              tolerance);
  EXPECT_NEAR(ResampledSpearman(pairs.x, pairs.y)(counts), Spearman(repeated.x, repeated.y),
              tolerance);
  EXPECT_NEAR(ResampledMean(pairs.y)(counts),
              std::accumulate(repeated.y.begin(), repeated.y.end(), 0.0) / 60, tolerance);
}

// The mean of n values with variance 1 has the standard error 1 / sqrt(n). The interval is 2 * 1.96
// standard errors wide.
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
  // With 4,000 resamples the ends have errors of about 2 %.
  EXPECT_NEAR(interval.high - interval.low, expected, 0.06 * expected);
  EXPECT_LT(interval.low, mean);
  EXPECT_GT(interval.high, mean);
}

TEST(Bootstrap, CoversTheTruthAboutAsOftenAsItSays) {
  // The correlation of value and value + noise is 1 / sqrt(1 + noise^2).
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
  // The expected number is 190, with standard deviation 3. Percentile intervals of correlations are
  // a little too short.
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
  EXPECT_NEAR(better.p, 2.0 / 1001, 1e-12);  // no resample has the opposite sign
  const PairedDifference same = CompareResamples(draw(good), draw(good), 0.95);
  EXPECT_EQ(same.p, 1);
  EXPECT_EQ(same.interval.low, 0);
}

TEST(PercentileInterval, LiesBetweenNeighboursAsNumpysDoes) {
  // numpy.percentile(range(11), [2.5, 97.5]) returns 0.25 and 9.75.
  std::vector<double> values(11);
  std::iota(values.begin(), values.end(), 0.0);
  const Interval interval = PercentileInterval(values, 0.95);
  EXPECT_NEAR(interval.low, 0.25, 1e-12);
  EXPECT_NEAR(interval.high, 9.75, 1e-12);
}

TEST(PercentileInterval, LeavesUndefinedResamplesOutAndSaysHowMany) {
  const double none = std::nan("");
  std::vector<double> values(1000);
  std::iota(values.begin(), values.end(), 0.0);
  const Interval whole = PercentileInterval(values, 0.95);
  values.insert(values.begin() + 500, 50, none);  // 50 of 1,050 are 4.8 %
  const Interval interval = PercentileInterval(values, 0.95);
  EXPECT_EQ(interval.low, whole.low);
  EXPECT_EQ(interval.high, whole.high);
  EXPECT_NEAR(interval.undefined, 50.0 / 1050, 1e-12);
  EXPECT_EQ(whole.undefined, 0);

  values.insert(values.end(), 10, none);  // 60 of 1,060 are 5.7 %
  const Interval too_many = PercentileInterval(values, 0.95);
  EXPECT_TRUE(std::isnan(too_many.low) && std::isnan(too_many.high));
  EXPECT_NEAR(too_many.undefined, 60.0 / 1060, 1e-12);
}

TEST(Bootstrap, ASetWithFewDifferentCosinesStillHasAnInterval) {
  // If one cosine of 40 differs, it is absent from (39/40)^40 = 36 % of the resamples. Two
  // different ones are absent from 13 %, three from 4.6 %.
  for (const auto& [different, has_interval] :
       {std::pair{1, false}, std::pair{2, false}, std::pair{4, true}}) {
    std::vector<double> cosine(40, 0.5), gold;
    for (int i = 0; i < 40; ++i) gold.push_back(i % 6);
    for (int i = 0; i < different; ++i) cosine[static_cast<size_t>(9 * i)] = 0.6;
    const Interval interval = PercentileInterval(
        BootstrapValues(40, ResampledSpearman(cosine, gold), {.resamples = 2000}), 0.95);
    EXPECT_EQ(std::isfinite(interval.low), has_interval) << different;
    const double expected = std::pow(1 - different / 40.0, 40);
    EXPECT_NEAR(interval.undefined, expected, 4 * std::sqrt(expected / 2000)) << different;
  }
}

TEST(CompareResamples, LeavesOutWhereOneSideIsUndefined) {
  const double none = std::nan("");
  std::vector<double> a(100, 2), b(100, 1);
  a[3] = b[7] = none;
  const PairedDifference difference = CompareResamples(a, b, 0.95);
  EXPECT_EQ(difference.interval.low, 1);
  EXPECT_NEAR(difference.interval.undefined, 0.02, 1e-12);
  EXPECT_NEAR(difference.p, 2.0 / 99, 1e-12);
  for (size_t i = 20; i < 30; ++i) a[i] = none;
  EXPECT_TRUE(std::isnan(CompareResamples(a, b, 0.95).p));
}

}  // namespace
}  // namespace lacos
