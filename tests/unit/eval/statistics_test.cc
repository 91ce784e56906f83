// Correlations agree with scipy 1.17.1: stats.pearsonr(x, y)[0], stats.spearmanr(x,
// y)[0], stats.rankdata(x).
#include "lacos/eval/measures/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lacos/base/rng.h"

namespace lacos {
namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon();

// A correlation of n values is a sum of n products of numbers below 1, and the squares of these
// numbers add up to 1. Each of the few roundings of a term costs at most eps of it, and the sum n
// eps. The factor 8 covers the steps and scipy's own errors.
double Tolerance(size_t n) { return 8 * static_cast<double>(n) * kEps; }

const std::vector<double> kX = {1.5, 2.0, 2.0, 7.25, -3.0, 2.0, 0.5, 11.0};
const std::vector<double> kY = {0.1, 0.4, 0.35, 0.9, -0.2, 0.4, 0.4, 0.7};

struct Waves {
  std::vector<double> x, y;  // y has many ties
};
Waves MakeWaves() {
  Waves waves;
  for (int i = 0; i < 100; ++i) {
    waves.x.push_back(std::sin(i * 0.7) + 1e-2 * i);
    waves.y.push_back(std::round(std::cos(i * 0.7 + 1) * 3));
  }
  return waves;
}

TEST(Correlations, EqualScipyOnAFewValuesWithTies) {
  EXPECT_NEAR(Pearson(kX, kY), 0.8515320949524382, Tolerance(8));
  EXPECT_NEAR(Spearman(kX, kY), 0.8, Tolerance(8));
}

TEST(Correlations, EqualScipyOnHundredValuesWithTies) {
  const Waves waves = MakeWaves();
  EXPECT_NEAR(Pearson(waves.x, waves.y), -0.7790684402168347, Tolerance(100));
  EXPECT_NEAR(Spearman(waves.x, waves.y), -0.7758872226429719, Tolerance(100));
}

TEST(Correlations, EqualScipyOnThousandScoresOfSixteenLevels) {
  uint64_t state = 12345;
  const auto next = [&] { return state = state * 6364136223846793005u + 1442695040888963407u; };
  std::vector<double> x, y;
  for (int i = 0; i < 1000; ++i) {
    x.push_back(static_cast<double>(next() >> 60));
    y.push_back(x.back() * 0.5 + static_cast<double>(next() >> 59));
  }
  EXPECT_NEAR(Pearson(x, y), 0.288617546727116, Tolerance(1000));
  EXPECT_NEAR(Spearman(x, y), 0.2804550542261418, Tolerance(1000));
}

TEST(Pearson, LosesOnlyTheInputsOwnRoundingToALargeOffset) {
  Waves waves = MakeWaves();
  // rounds each value to 1.5e-8; their spread is near 1
  for (double& value : waves.x) value += 1e8;
  EXPECT_NEAR(Pearson(waves.x, waves.y), -0.7790684398925226, 1e-9);
  for (double& value : waves.x) value += 1e12;  // no digit is left for a one-pass formula
  EXPECT_NEAR(Pearson(waves.x, waves.y), -0.779068, 1e-3);
}

TEST(Pearson, NeitherOverflowsNorUnderflows) {
  Waves waves = MakeWaves();
  for (double& value : waves.x) value *= 1e200;
  for (double& value : waves.y) value *= 1e-200;
  EXPECT_NEAR(Pearson(waves.x, waves.y), -0.7790684402168349, Tolerance(100));
}

TEST(Pearson, OfALineIsOneAndNeverMore) {
  for (int n = 2; n < 200; ++n) {
    std::vector<double> x, y;
    for (int i = 0; i < n; ++i) {
      x.push_back(0.1 * i * i);
      y.push_back(-0.3 * x.back() + 7);
    }
    EXPECT_GE(Pearson(x, y), -1.0);
    EXPECT_NEAR(Pearson(x, y), -1.0, Tolerance(static_cast<size_t>(n)) * 10);
    EXPECT_LE(Pearson(x, x), 1.0);
  }
}

TEST(Correlations, AreNaNForConstantsAndFewerThanTwoValues) {
  const std::vector<double> constant(10, 0.1), some = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_TRUE(std::isnan(Pearson(constant, some)));
  EXPECT_TRUE(std::isnan(Pearson(some, constant)));
  EXPECT_TRUE(std::isnan(Spearman(constant, some)));
  EXPECT_TRUE(std::isnan(Pearson({}, {})));
  const std::vector<double> one = {1};
  EXPECT_TRUE(std::isnan(Pearson(one, one)));
  EXPECT_TRUE(std::isnan(Spearman(one, one)));
}

TEST(Correlations, AreNaNWhenAValueIs) {
  std::vector<double> broken = kX;
  broken[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(Pearson(broken, kY)));
  EXPECT_TRUE(std::isnan(Spearman(kY, broken)));
}

TEST(AverageRanks, GiveTiesTheirMean) {
  EXPECT_EQ(AverageRanks(kX), (std::vector<double>{3, 5, 5, 7, 1, 5, 2, 8}));
  EXPECT_EQ(AverageRanks(kY), (std::vector<double>{2, 5, 3, 8, 1, 5, 5, 7}));
  EXPECT_EQ(AverageRanks(std::vector<double>{4, 4, 4, 4}), (std::vector<double>(4, 2.5)));
  EXPECT_TRUE(AverageRanks({}).empty());
}

TEST(Spearman, DoesNotChangeUnderIncreasingMapsOrReordering) {
  const Waves waves = MakeWaves();
  std::vector<double> mapped;
  for (const double value : waves.x) mapped.push_back(std::exp(3 * value));
  EXPECT_EQ(Spearman(mapped, waves.y), Spearman(waves.x, waves.y));

  Random random(1, RandomStream::kShuffle);
  std::vector<double> x, y;
  for (const int64_t i : RandomPermutation(100, random)) {
    x.push_back(waves.x[static_cast<size_t>(i)]);
    y.push_back(waves.y[static_cast<size_t>(i)]);
  }
  EXPECT_NEAR(Spearman(x, y), Spearman(waves.x, waves.y), Tolerance(100));
}

}  // namespace
}  // namespace lacos
