// The values of losses against closed forms and against numbers that torch and
// sentence-transformers print.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "lacos/kernels/reference/angle.h"
#include "lacos/kernels/reference/losses.h"

namespace lacos::ref {
namespace {

TEST(SoftmaxCrossEntropy, IsTheMeanOfLogSumExpMinusTarget) {
  const std::vector<double> scores = {1, 2, 3, 0.5, -1, 4};
  const std::vector<int32_t> targets = {2, 0};
  std::vector<double> d(6);
  const double loss =
      SoftmaxCrossEntropy<double>(scores.data(), nullptr, targets.data(), 2, 3, d.data());
  const double row0 = std::log(std::exp(1) + std::exp(2) + std::exp(3)) - 3;
  const double row1 = std::log(std::exp(0.5) + std::exp(-1) + std::exp(4)) - 0.5;
  EXPECT_DOUBLE_EQ(loss, (row0 + row1) / 2);
  EXPECT_NEAR(d[0] + d[1] + d[2], 0, 1e-16);
}

TEST(SoftmaxCrossEntropy, HugeScoresAndMasksStayExact) {
  const std::vector<float> scores = {1e30f, -1e30f, 0.0f};
  const int32_t target = 0;
  EXPECT_EQ(SoftmaxCrossEntropy<double>(scores.data(), nullptr, &target, 1, 3,
                                        static_cast<float*>(nullptr)),
            0.0);
  const std::vector<float> tied = {2, 2, 50};
  const std::vector<uint8_t> mask = {1, 1, 0};
  std::vector<float> d(3, 7.0f);
  EXPECT_NEAR(SoftmaxCrossEntropy<double>(tied.data(), mask.data(), &target, 1, 3, d.data()),
              std::log(2.0), 1e-15);
  EXPECT_EQ(d, (std::vector<float>{-0.5f, 0.5f, 0.0f}));
}

TEST(SoftmaxCrossEntropy, TheTargetIsNeverMasked) {
  const std::vector<double> scores = {1, 1};
  const std::vector<uint8_t> mask = {0, 1};
  const int32_t target = 0;
  double d[2];
  EXPECT_NEAR(SoftmaxCrossEntropy<double>(scores.data(), mask.data(), &target, 1, 2, d),
              std::log(2.0), 1e-15);
}

TEST(MeanSquaredError, IsTheMean) {
  const std::vector<double> x = {1, 2, 4}, target = {1, 0, 1};
  std::vector<double> d(3);
  EXPECT_DOUBLE_EQ(MeanSquaredError<double>(x.data(), target.data(), 3, d.data()), 13.0 / 3);
  EXPECT_EQ(d, (std::vector<double>{0, 4.0 / 3, 2}));
}

TEST(CosentLoss, CountsOnlyPairsThatShouldBeOrdered) {
  // Because label 0 < label 1, the pair (0, 1) contributes exp(20 (x0 - x1)). Equal labels
  // contribute nothing.
  const std::vector<double> x = {0.3, 0.5, 0.4}, labels = {0, 1, 1};
  std::vector<double> d(3);
  const double loss = CosentLoss<double>(x.data(), labels.data(), 20, 3, d.data());
  // Differences of decimals have an error of half an ulp of 0.5, which is multiplied by 20.
  EXPECT_NEAR(loss, std::log(1 + std::exp(20 * -0.2) + std::exp(20 * -0.1)), 20 * 0x1p-53);
  EXPECT_GT(d[0], 0);
  EXPECT_LT(d[1], 0);
  const std::vector<double> equal = {1, 1, 1};
  EXPECT_EQ(CosentLoss<double>(x.data(), equal.data(), 20, 3, d.data()), 0);
  EXPECT_EQ(d, std::vector<double>(3, 0));
}

TEST(AngleSum, AddsRealAndImaginaryPartsOfTheComplexProduct) {
  const std::vector<double> one = {1, 0}, i = {0, 1}, a = {3, 4}, odd = {1, 2, 3};
  EXPECT_EQ(AngleSum<double>(a.data(), a.data(), 2), 25);    // |a|^2 is real
  EXPECT_EQ(AngleSum<double>(one.data(), i.data(), 2), -1);  // 1 conj(i) = -i
  EXPECT_EQ(AngleSum<double>(i.data(), one.data(), 2), 1);
  EXPECT_EQ(AngleSum<double>(odd.data(), odd.data(), 3), 14);  // the row is (1 + 3i, 2 + 0i)
}

TEST(AngleSum, OfZeroHasNoGradient) {
  const std::vector<double> a = {1, 0}, b = {1, 1};  // 1 conj(1 + i) = 1 - i
  std::vector<double> da(2, 7), db(2, 7);
  EXPECT_EQ(AngleSum<double>(a.data(), b.data(), 2), 0);
  AngleRowBackward<double>(3.0, a.data(), b.data(), 2, da.data(), db.data());
  EXPECT_EQ(da, std::vector<double>(2, 0));
  EXPECT_EQ(db, std::vector<double>(2, 0));
}

TEST(TripletLoss, UsesTorchsShiftedDistance) {
  const std::vector<double> a = {0, 0}, p = {3, 4}, n = {0, 1};
  const double near = std::hypot(-3 + 1e-6, -4 + 1e-6), far = std::hypot(1e-6, -1 + 1e-6);
  std::vector<double> da(2), dp(2), dn(2);
  EXPECT_DOUBLE_EQ(
      TripletLoss<double>(a.data(), p.data(), n.data(), 5, 1, 2, da.data(), dp.data(), dn.data()),
      near - far + 5);
  EXPECT_NEAR(dp[0], 0.6, 1e-6);
  EXPECT_NEAR(dn[1], -1, 1e-6);
  // If the margin is satisfied, there is no loss and no gradient.
  EXPECT_EQ(
      TripletLoss<double>(a.data(), n.data(), p.data(), 3, 1, 2, da.data(), dp.data(), dn.data()),
      0);
  EXPECT_EQ(da, std::vector<double>(2, 0));
}

}  // namespace
}  // namespace lacos::ref
