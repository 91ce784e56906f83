// Sums over tokens on the CPU equal the integers that the definition gives, for any order, any
// division into calls and any number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <numeric>

#include "lacos/base/parallel.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

struct ThreadScope {
  explicit ThreadScope(int threads) { SetThreadCount(threads); }
  ~ThreadScope() { SetThreadCount(0); }
};

std::vector<int64_t> Integers(Workbench& wb, const TensorView& x) {
  std::vector<int64_t> values(static_cast<size_t>(x.Elements()));
  wb.backend().Download(x, std::as_writable_bytes(std::span(values)));
  return values;
}

void Append(Workbench& wb, const GradientSum& sum, std::vector<int64_t>& all) {
  for (const TensorView& part : {sum.fine, sum.coarse}) {
    const std::vector<int64_t> values = Integers(wb, part);
    all.insert(all.end(), values.begin(), values.end());
  }
}

// Floats of every exponent and sign, infinities and NaN, and values at the limits
// of the two accumulators.
std::vector<float> EveryKindOfFloat(int64_t n) {
  Random random(8, RandomStream::kWeights);
  std::vector<float> values = {0.0f,    -0.0f,   FLT_MAX,  -FLT_MAX,   FLT_MIN, FLT_TRUE_MIN,
                               1024.0f, -512.0f, 0x1p-52f, 0x1.8p-52f, 1.0f,    0x1p-21f,
                               511.99f, 1023.9f, 0x1p-22f, 0x1.8p-22f, 2048.0f, 1e20f};
  while (static_cast<int64_t>(values.size()) < n) {
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random.Below(uint64_t{1} << 32))));
    // Half of the values lie in the range of most gradients.
    const int exponent = static_cast<int>(random.Below(50)) - 40;
    values.push_back(static_cast<float>(std::ldexp(2 * random.Uniform() - 1, exponent)));
  }
  values.resize(static_cast<size_t>(n));
  return values;
}

TEST(TokenSums, AddEveryKindOfFloatAsTheDefinitionDoes) {
  for (const auto& [p, q] : {std::pair<int64_t, int64_t>{1000, 1}, {130, 8}, {8, 131}, {60, 50}}) {
    for (const int64_t leaves : {2, 3, 100}) {
      Workbench wb(MakeCpuBackend({.compute = Compute::kF32}));
      const std::vector<float> values = EveryKindOfFloat(p);
      const TensorView a = wb.From(Role::kGradient, {1, p}, values);
      const TensorView ones = wb.From(Role::kGradient, {1, q}, std::vector<float>(q, 1.0f));
      const GradientSum outer = wb.MakeSum({p, q}), sum = wb.MakeSum({p}), dot = wb.MakeSum({p});
      const TokenLeaves one{.begin = {0, 1}, .step_leaves = leaves};
      const TensorView same = wb.From(Role::kGradient, {1, p}, std::vector<float>(p, 1.0f));
      for (int repeat = 0; repeat < 2; ++repeat) {
        wb.backend().TokenOuter(a, ones, one, 0.5, outer);
        wb.backend().TokenSum(a, one, sum);
        wb.backend().TokenDotSum(a, same, one, dot);
      }
      const LeafLimits limits(leaves);
      std::vector<int64_t> fine(p), coarse(p), outer_fine(p * q), outer_coarse(p * q);
      for (int64_t i = 0; i < p; ++i) {
        for (int repeat = 0; repeat < 2; ++repeat) {
          AddLeaf(values[i], limits, fine[i], coarse[i]);
          for (int64_t j = 0; j < q; ++j)
            AddLeaf(0.5f * values[i], limits, outer_fine[i * q + j], outer_coarse[i * q + j]);
        }
      }
      EXPECT_EQ(Integers(wb, outer.fine), outer_fine) << p << " x " << q;
      EXPECT_EQ(Integers(wb, outer.coarse), outer_coarse) << p << " x " << q;
      for (const GradientSum& y : {sum, dot}) {
        EXPECT_EQ(Integers(wb, y.fine), fine);
        EXPECT_EQ(Integers(wb, y.coarse), coarse);
      }
    }
  }
}

TEST(TokenSums, GiveTheSameIntegersForLeavesInAnyOrderAndAnyNumberOfThreads) {
  constexpr int64_t kTokens = 700, kP = 130, kQ = 8;
  const std::vector<int64_t> cuts = {0, 100, 300, 511, 512, 700};
  for (const double scale : {1.0, 1e4}) {  // values with scale 1e4 need the coarse accumulator
    std::vector<int64_t> first;
    Random random(2, RandomStream::kWeights);
    for (int run = 0; run < 6; ++run) {
      const ThreadScope threads(run % 3 + 1);
      Workbench wb(MakeCpuBackend({.compute = Compute::kBF16}));
      const TensorView a = wb.Normal(Role::kGradient, {kTokens, kP}, 1, scale);
      const TensorView b = wb.Normal(Role::kActivation, {kTokens, kQ}, 2);
      const TensorView c = wb.Normal(Role::kActivation, {kTokens, kP}, 3);
      const GradientSum y = wb.MakeSum({kP, kQ}), sum = wb.MakeSum({kP}), dot = wb.MakeSum({kP});
      const auto add = [&](int64_t begin, int64_t end, const TokenLeaves& leaves) {
        wb.backend().TokenOuter(a.Rows(begin, end), b.Rows(begin, end), leaves, 0.5, y);
        wb.backend().TokenSum(a.Rows(begin, end), leaves, sum);
        wb.backend().TokenDotSum(a.Rows(begin, end), c.Rows(begin, end), leaves, dot);
      };
      const auto count = static_cast<int64_t>(cuts.size()) - 1;
      if (run == 0) {
        add(0, kTokens, {.begin = cuts});
      } else {  // one leaf at a time, in a different order in each run
        std::vector<int64_t> order(count);
        std::iota(order.begin(), order.end(), 0);
        for (size_t i = order.size() - 1; i > 0; --i)
          std::swap(order[i], order[random.Below(i + 1)]);
        for (const int64_t leaf : order) {
          const int64_t begin = cuts[leaf], end = cuts[leaf + 1];
          add(begin, end, {.begin = {0, end - begin}, .step_leaves = count});
        }
      }
      std::vector<int64_t> all;
      for (const GradientSum& part : {y, sum, dot}) Append(wb, part, all);
      if (first.empty()) first = all;
      EXPECT_EQ(all, first) << "run " << run;
      const std::vector<int64_t> coarse = Integers(wb, y.coarse);
      EXPECT_EQ(std::any_of(coarse.begin(), coarse.end(), [](int64_t v) { return v != 0; }),
                scale > 1);
    }
  }
}

TEST(TokenSums, GiveTheReferencesIntegersWhereTheSumsOfLeavesAreExact) {
  constexpr int64_t kTokens = 90, kP = 70, kQ = 5;
  const TokenLeaves leaves{.begin = {0, 20, 21, 90}};
  for (const float unit : {0x1p-16f, 0x1p8f}) {
    // With small multiples of a power of two, products and sums are exact in f32.
    std::vector<float> x(kTokens * kP), z(kTokens * kQ);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<float>(static_cast<int>(i * 37 % 31) - 15) * unit;
    for (size_t i = 0; i < z.size(); ++i)
      z[i] = static_cast<float>(static_cast<int>(i * 11 % 15) - 7);
    std::vector<int64_t> results[2];
    for (const bool reference : {false, true}) {
      Workbench wb(reference ? MakeReferenceBackend(DType::kF64)
                             : MakeCpuBackend({.compute = Compute::kF32}));
      const TensorView a = wb.From(Role::kGradient, {kTokens, kP}, x);
      const TensorView b = wb.From(Role::kGradient, {kTokens, kQ}, z);
      const auto integers = [&](const Shape& shape) {
        return GradientSum{.fine = wb.Make(DType::kI64, shape),
                           .coarse = wb.Make(DType::kI64, shape)};
      };
      const GradientSum outer = integers({kP, kQ}), sum = integers({kP}), dot = integers({kP});
      wb.backend().TokenOuter(a, b, leaves, 2, outer);
      wb.backend().TokenSum(a, leaves, sum);
      wb.backend().TokenDotSum(a, a, leaves, dot);
      for (const GradientSum& y : {outer, sum, dot}) {
        Append(wb, y, results[reference]);
        for (const double value : wb.Read(wb.Gradient(y)))  // the bits of the doubles are compared
          results[reference].push_back(std::bit_cast<int64_t>(value));
      }
    }
    EXPECT_EQ(results[0], results[1]) << unit;
  }
}

TEST(TokenSums, OfLargeGradientsHaveTheNormOfF32Sums) {
  // Values of up to 1e8, as with a loss scale of 2,000. With 20 leaves, `fine` holds up to 51.
  constexpr int64_t kTokens = 1000, kP = 200, kQ = 8;
  TokenLeaves leaves{.begin = {0}};
  while (leaves.begin.back() < kTokens) leaves.begin.push_back(leaves.begin.back() + 50);
  Workbench wb(MakeCpuBackend({.compute = Compute::kF32}));
  const TensorView a = wb.Normal(Role::kGradient, {kTokens, kP}, 1, 1e5);
  const TensorView b = wb.Normal(Role::kActivation, {kTokens, kQ}, 2, 10);
  const GradientSum together = wb.MakeSum({kP, kQ});
  wb.backend().TokenOuter(a, b, leaves, 2, together);
  std::vector<float> f32(kP * kQ);
  for (int64_t leaf = 0; leaf < leaves.Count(); ++leaf) {
    const GradientSum alone = wb.MakeSum({kP, kQ});
    const int64_t begin = leaves.begin[leaf], end = leaves.begin[leaf + 1];
    wb.backend().TokenOuter(a.Rows(begin, end), b.Rows(begin, end), {.begin = {0, end - begin}}, 2,
                            alone);
    const std::vector<float> values = DownloadFloats(wb.backend(), wb.Gradient(alone));
    for (size_t i = 0; i < values.size(); ++i) f32[i] += values[i];
  }
  const auto norm = [](const auto& values) {
    double squares = 0;
    for (const double value : values) squares += value * value;
    return std::sqrt(squares);
  };
  const std::vector<double> found = wb.Read(wb.Gradient(together));
  EXPECT_GT(MaxAbs(found), 1e7);
  EXPECT_NEAR(norm(found) / norm(f32), 1, 1e-6);
}

}  // namespace
}  // namespace lacos::testing
