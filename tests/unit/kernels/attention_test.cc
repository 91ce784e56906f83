// ALiBi attention against a formula that is written independently of the kernel (relative
// distances, full matrices), and ALiBi's slopes against published values.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lacos/kernels/alibi.h"
#include "lacos/kernels/make_backend.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

TEST(AlibiSlopes, AreThePublishedOnes) {
  const std::vector<double> s16 = AlibiSlopes(16);
  ASSERT_EQ(s16.size(), 16u);
  EXPECT_NEAR(s16[0], 0.70711, 5e-6);
  EXPECT_DOUBLE_EQ(s16[1], 0.5);
  EXPECT_DOUBLE_EQ(s16[15], 0.00390625);
  const std::vector<double> s32 = AlibiSlopes(32);
  EXPECT_NEAR(s32[0], 0.84090, 5e-6);
  EXPECT_NEAR(s32[1], 0.70711, 5e-6);
  EXPECT_DOUBLE_EQ(s32[31], 0.00390625);
  const std::vector<double> s112 = AlibiSlopes(112);
  ASSERT_EQ(s112.size(), 112u);
  EXPECT_NEAR(s112[0], 0.91700, 5e-6);
  EXPECT_NEAR(s112[64], 0.95760, 5e-6);
  EXPECT_NEAR(s112[111], 0.016317, 5e-7);
  EXPECT_EQ(AlibiSlopes(1), std::vector<double>{0.00390625});  // the base is 2^-8
  // two heads with base 2^-4, then the first slope of four heads, 2^-2
  const std::vector<double> s3 = AlibiSlopes(3);
  EXPECT_EQ(s3, (std::vector<double>{0.0625, 0.00390625, 0.25}));
}

// One head with separate q, k, v: the softmax of q.k / sqrt(K) - slope * distance over the causal
// row, times v.
std::vector<double> NaiveHead(const std::vector<double>& q, const std::vector<double>& k,
                              const std::vector<double>& v, int64_t length, int64_t dim,
                              double slope) {
  std::vector<double> y(length * dim);
  for (int64_t i = 0; i < length; ++i) {
    double denominator = 0;
    std::vector<double> numerator(dim);
    for (int64_t j = 0; j <= i; ++j) {
      double score = -slope * static_cast<double>(i - j);
      for (int64_t d = 0; d < dim; ++d)
        score += q[i * dim + d] * k[j * dim + d] / std::sqrt(static_cast<double>(dim));
      denominator += std::exp(score);
      for (int64_t d = 0; d < dim; ++d) numerator[d] += std::exp(score) * v[j * dim + d];
    }
    for (int64_t d = 0; d < dim; ++d) y[i * dim + d] = numerator[d] / denominator;
  }
  return y;
}

class Attention : public ::testing::TestWithParam<int> {};

TEST_P(Attention, EqualsTheNaiveFormulaTextByText) {
  const int heads = GetParam();
  const int64_t dim = 5;
  const std::vector<int32_t> offsets = {0, 6, 7, 7, 12};
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView qkv = wb.Normal(Role::kActivation, {12, heads * 3 * dim}, 1);
  const TensorView y = wb.Make(Role::kActivation, {12, heads * dim});
  wb.backend().AlibiAttention(qkv, wb.Layout(offsets), heads, {}, y);
  const std::vector<double> in = wb.Read(qkv), out = wb.Read(y);
  const std::vector<double> slopes = AlibiSlopes(heads);
  for (size_t n = 0; n + 1 < offsets.size(); ++n) {
    const int64_t length = offsets[n + 1] - offsets[n];
    for (int h = 0; h < heads; ++h) {
      std::vector<double> parts[3];
      for (int part = 0; part < 3; ++part) {
        for (int64_t t = offsets[n]; t < offsets[n + 1]; ++t) {
          for (int64_t d = 0; d < dim; ++d)
            parts[part].push_back(in[t * heads * 3 * dim + (h * 3 + part) * dim + d]);
        }
      }
      const std::vector<double> expected =
          NaiveHead(parts[0], parts[1], parts[2], length, dim, slopes[h]);
      for (int64_t t = 0; t < length; ++t) {
        for (int64_t d = 0; d < dim; ++d) {
          // The bound allows for a handful of roundings on values of order one.
          EXPECT_NEAR(out[(offsets[n] + t) * heads * dim + h * dim + d], expected[t * dim + d],
                      1e-14);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(HeadCounts, Attention, ::testing::Values(1, 2, 3, 6, 7, 16));

TEST(Attention, HugeScoresStayFinite) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView qkv = wb.Normal(Role::kActivation, {4, 12}, 1, 1e4);
  const TensorView y = wb.Make(Role::kActivation, {4, 4});
  wb.backend().AlibiAttention(qkv, wb.Layout({0, 4}), 1, {}, y);
  for (const double v : wb.Read(y)) EXPECT_TRUE(std::isfinite(v));
}

}  // namespace
}  // namespace lacos::testing
