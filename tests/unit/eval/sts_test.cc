// Cosines and correlations of STS, and the result if a correlation does not exist.
#include "lacos/eval/sts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lacos {
namespace {

TEST(ScoreSts, IsAHundredTimesTheCorrelations) {
  // The ranks agree completely. Pearson of (1, 2, 3, 10) and (1, 2, 3, 4) is 14 / sqrt(50 * 5).
  const StsResult result = ScoreSts("x", {1, 2, 3, 10}, {1, 2, 3, 4});
  EXPECT_EQ(result.name, "x");
  EXPECT_EQ(result.n, 4);
  EXPECT_NEAR(result.spearman, 100, 1e-12);
  EXPECT_NEAR(result.pearson, 100 * 14 / std::sqrt(250.0), 1e-12);
}

TEST(ScoreSts, IsNotANumberWhereNoCorrelationExists) {
  for (const auto& [similarity, gold] :
       std::vector<std::pair<std::vector<double>, std::vector<double>>>{
           {{0.5, 0.5, 0.5}, {1, 2, 3}}, {{0.1, 0.2, 0.3}, {4, 4, 4}}, {{0.1}, {1}}, {{}, {}}}) {
    const StsResult result = ScoreSts("constant", similarity, gold);
    EXPECT_TRUE(std::isnan(result.spearman));
    EXPECT_TRUE(std::isnan(result.pearson));
  }
}

}  // namespace
}  // namespace lacos
