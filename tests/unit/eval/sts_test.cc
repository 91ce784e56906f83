// Cosines and correlations of STS, and what they are when they do not exist.
#include "lacos/eval/sts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lacos {
namespace {

TEST(Cosine, IsThatOfTheDirections) {
  const std::vector<float> a = {3, 4}, b = {30, 40}, c = {-4, 3}, d = {-3, -4};
  const double tol =
      8 * std::numeric_limits<double>::epsilon();  // two products, two roots, one quotient in double
  EXPECT_NEAR(Cosine(a, b), 1, tol);
  EXPECT_EQ(Cosine(a, c), 0);
  EXPECT_NEAR(Cosine(a, d), -1, tol);
}

TEST(Cosine, OfAZeroVectorIsZero) {
  const std::vector<float> zero = {0, 0}, a = {1, 2};
  EXPECT_EQ(Cosine(zero, a), 0);
  EXPECT_EQ(Cosine(zero, zero), 0);
}

TEST(Cosine, DoesNotOverflowWhereFloatWould) {
  const std::vector<float> a = {1e30f, 1e30f};
  EXPECT_NEAR(Cosine(a, a), 1, 8 * std::numeric_limits<double>::epsilon());
}

TEST(PairCosines, GoesRowByRow) {
  const std::vector<float> a = {1, 0, 0, 1, 0, 0}, b = {1, 0, 1, 0, 5, 5};
  EXPECT_EQ(PairCosines(a, b, 2), (std::vector<double>{1, 0, 0}));
}

TEST(ScoreSts, IsAHundredTimesTheCorrelations) {
  // Ranks agree fully; Pearson of (1, 2, 3, 10) and (1, 2, 3, 4): 14 / sqrt(50 * 5).
  const StsResult result = ScoreSts("x", {1, 2, 3, 10}, {1, 2, 3, 4});
  EXPECT_EQ(result.name, "x");
  EXPECT_EQ(result.n, 4);
  EXPECT_NEAR(result.spearman, 100, 1e-12);
  EXPECT_NEAR(result.pearson, 100 * 14 / std::sqrt(250.0), 1e-12);
}

TEST(ScoreSts, IsNotANumberWhereNoCorrelationExists) {
  for (const auto& [similarity, gold] : std::vector<std::pair<std::vector<double>, std::vector<double>>>{
           {{0.5, 0.5, 0.5}, {1, 2, 3}}, {{0.1, 0.2, 0.3}, {4, 4, 4}}, {{0.1}, {1}}, {{}, {}}}) {
    const StsResult result = ScoreSts("constant", similarity, gold);
    EXPECT_TRUE(std::isnan(result.spearman));
    EXPECT_TRUE(std::isnan(result.pearson));
  }
}

}  // namespace
}  // namespace lacos
