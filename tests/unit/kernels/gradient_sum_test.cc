// Gradients summed as integers are exact, have no order, and are finite for finite values.
#include "lacos/kernels/gradient_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <vector>

#include "lacos/base/rng.h"

namespace lacos {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Sum {
  int64_t fine = 0, coarse = 0;
  bool operator==(const Sum&) const = default;
  float Read() const { return ReadSum(fine, coarse); }
};

Sum SumOf(const std::vector<float>& values, int64_t leaves) {
  const LeafLimits limits(leaves);
  Sum sum;
  for (const float value : values) AddLeaf(value, limits, sum.fine, sum.coarse);
  return sum;
}
Sum SumOf(const std::vector<float>& values) {
  return SumOf(values, static_cast<int64_t>(values.size()));
}

// Values of random magnitudes between 2^-40 and 2^30.
std::vector<float> Spread(int64_t n) {
  Random random(3, RandomStream::kWeights);
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) {
    values.push_back(static_cast<float>(
        std::ldexp(2 * random.Uniform() - 1, static_cast<int>(random.Below(71)) - 40)));
  }
  return values;
}

TEST(GradientSum, IsTheExactSumOfValuesRoundedToTheFineUnit) {
  const std::vector<float> values = Spread(1000);
  __int128 expected = 0;  // in units of 2^-52; 2^30 is 2^82 of them, too many for 64 bits
  for (const float value : values) {
    const double units = std::nearbyint(static_cast<double>(value) * 0x1p52);
    expected += static_cast<__int128>(units);
  }
  const Sum sum = SumOf(values);
  EXPECT_NE(sum.coarse, 0) << "some values are above the fine limit";
  EXPECT_TRUE(static_cast<__int128>(sum.coarse) * (int64_t{1} << 40) + sum.fine == expected);
  EXPECT_FLOAT_EQ(sum.Read(), static_cast<float>(static_cast<double>(expected) * 0x1p-52));
}

TEST(GradientSum, DoesNotDependOnTheOrder) {
  std::vector<float> values = Spread(60);
  values.insert(values.end(), {FLT_MAX, -FLT_MAX, 1e20f, FLT_MIN, 2048.0f, -0.0f});
  Random random(4, RandomStream::kWeights);
  for (const std::vector<float>& special :
       {std::vector<float>{}, {kInf}, {-kInf, -kInf}, {kInf, -kInf}, {kNaN}, {kNaN, kInf}}) {
    std::vector<float> all = values;
    all.insert(all.end(), special.begin(), special.end());
    const Sum first = SumOf(all);
    for (int round = 0; round < 50; ++round) {
      for (size_t i = all.size() - 1; i > 0; --i) std::swap(all[i], all[random.Below(i + 1)]);
      ASSERT_EQ(SumOf(all), first) << special.size() << " special values";
    }
  }
}

TEST(GradientSum, MarksWhatIsNotFiniteAsAFloatSumWould) {
  for (const std::vector<float>& values : {std::vector<float>{kInf, 1},
                                           {-1, -kInf},
                                           {kInf, kInf},
                                           {kInf, -kInf},
                                           {-kInf, kInf, kInf},
                                           {kNaN},
                                           {1e30f, kNaN},
                                           {kInf, kNaN},
                                           {kNaN, -kInf, 5}}) {
    float expected = 0;
    for (const float value : values) expected += value;
    const float found = SumOf(values).Read();
    EXPECT_EQ(std::isnan(found), std::isnan(expected));
    if (!std::isnan(expected)) {
      EXPECT_EQ(found, expected);
    }
  }
}

TEST(GradientSum, OfFiniteValuesIsFiniteAndSoIsItsSquare) {
  for (const int64_t leaves : {1, 2, 7, 4096, 1 << 23}) {
    const LeafLimits limits(leaves);
    for (const float value : {FLT_MAX, -FLT_MAX, std::nextafter(limits.fine, 0.0f), limits.fine}) {
      Sum sum;
      for (int64_t i = 0; i < leaves; ++i) AddLeaf(value, limits, sum.fine, sum.coarse);
      EXPECT_FALSE(IsMark(sum.coarse));
      const float found = sum.Read();
      EXPECT_EQ(found > 0, value > 0);
      EXPECT_LE(std::abs(found), 0x1p50f);
      // The gradient of an adapter of rank 32 on BLOOM-176B has 2^27 values.
      EXPECT_TRUE(std::isfinite(0x1p27f * found * found));
      if (std::abs(value) < FLT_MAX) {
        EXPECT_FLOAT_EQ(found, static_cast<float>(leaves) * value);
      }
    }
  }
}

TEST(GradientSum, SendsAValueToTheSamePlaceWhateverElseIsAdded) {
  // 300 is below the limit for a step of three leaves and above the limit for a step of four.
  EXPECT_EQ(SumOf({300.0f}, 3).coarse, 0);
  EXPECT_EQ(SumOf({300.0f}, 4).coarse, 300 << 12);
  const Sum together = SumOf({300.0f, 1.5f, -20.0f}, 4), large = SumOf({300.0f}, 4),
            small = SumOf({1.5f, -20.0f}, 4);
  EXPECT_EQ(together, (Sum{large.fine + small.fine, large.coarse + small.coarse}));
}

}  // namespace
}  // namespace lacos
