// The results of a text on the GPU are the same, byte for byte, whatever else is in the batch, and NaN
// in one text reaches only that text.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "unit/kernels/cuda/test_gpu.h"
#include "unit/kernels/invariance_cases.h"

namespace lacos::testing {
namespace {

std::string ComputeName(const ::testing::TestParamInfo<Compute>& info) {
  return NameOf(info.param);
}

class CudaRows : public ::testing::TestWithParam<std::tuple<Compute, RowCase>> {};

TEST_P(CudaRows, AloneEqualTheSameRowsInABatch) {
  const auto& [compute, c] = GetParam();
  std::unique_ptr<Backend> gpu = MakeTestGpu(compute);
  if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
  Workbench wb(std::move(gpu));
  ExpectRowsAloneAreEqual(wb, c);
}

// The emulator multiplies a billion numbers in minutes, so it gets shapes of moderate size only.
std::vector<RowCase> ModerateCases() {
  std::vector<RowCase> cases = RowCases();
  if (!GpuIsEmulated()) return cases;
  std::erase_if(cases, [](const RowCase& c) { return c.name.find("1024") != std::string::npos; });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Ops, CudaRows,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(ModerateCases())),
                         [](const ::testing::TestParamInfo<CudaRows::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

class CudaTexts : public ::testing::TestWithParam<Compute> {};

TEST_P(CudaTexts, SegmentsOfOneProductHaveTheBytesOfProductsOfTheirOwn) {
  std::unique_ptr<Backend> gpu = MakeTestGpu(GetParam());
  if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
  Workbench wb(std::move(gpu));
  ExpectSegmentsAreEqual(wb);
}

TEST_P(CudaTexts, AloneEqualTheSameTextsInABatch) {
  std::unique_ptr<Backend> gpu = MakeTestGpu(GetParam());
  if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
  Workbench wb(std::move(gpu));
  ExpectTextsAloneAreEqual(wb);
}

// Runs the ops of a block forward and backward on three texts, the second of which holds `poison` in
// one value of the input and of the gradient.
TEST_P(CudaTexts, NaNAndInfinityReachOnlyTheirText) {
  constexpr int64_t kWidth = 48, kWide = 64, kRows = 16;
  const std::vector<int32_t> offsets = {0, 5, 9, kRows};
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::unique_ptr<Backend> gpu = MakeTestGpu(GetParam());
    if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
    Workbench wb(std::move(gpu));
    const auto run = [&](std::optional<float> bad) {
      const auto values = [&](Role role, int64_t rows, int64_t cols, int64_t bad_row) {
        std::vector<float> x = NormalValues(rows * cols, static_cast<uint64_t>(cols));
        if (bad) x[bad_row * cols + 7] = *bad;
        return wb.From(role, {rows, cols}, x);
      };
      const auto made = [&](Role role, int64_t cols) { return wb.Make(role, {kRows, cols}); };
      const TensorView h = values(Role::kResidual, kRows, kWidth, 6);
      const TensorView gamma = wb.Normal(Role::kParameter, {kWidth}, 2);
      const TensorView normed = made(Role::kActivation, kWidth),
                       xhat = made(Role::kActivation, kWidth),
                       rstd = wb.Make(Role::kStatistic, {kRows}),
                       qkv = made(Role::kActivation, 3 * kWidth),
                       context = made(Role::kActivation, kWidth),
                       wide = made(Role::kActivation, kWide),
                       saved = made(Role::kActivation, kWide),
                       pooled = wb.Make(Role::kStatistic, {3, kWidth});
      const TextLayout at = wb.Layout(offsets);
      const WeightId up = AddTestWeight(wb, kWide, kWidth, WeightFormat::kLinearRows),
                     in = AddTestWeight(wb, 3 * kWidth, kWidth, WeightFormat::kLinearRows);
      Backend& b = wb.backend();
      b.LayerNorm(h, gamma, gamma, 1e-5, xhat, rstd, normed);
      b.Linear(normed, in, {}, qkv);
      b.AlibiAttention(qkv, at, 3, {}, context);
      b.Linear(context, up, {.gelu = true, .saved_gelu = saved}, wide);
      b.Pool(h, at, Pooling::kMean, {}, pooled);
      const TensorView dwide = values(Role::kGradient, kRows, kWide, 6),
                       du = made(Role::kGradient, kWide), dcontext = made(Role::kGradient, kWidth),
                       dqkv = made(Role::kGradient, 3 * kWidth),
                       dnormed = made(Role::kGradient, kWidth), dh = made(Role::kGradient, kWidth),
                       dpooled = values(Role::kStatistic, 3, kWidth, 1),
                       dtokens = made(Role::kGradient, kWidth);
      b.GeluBackward(dwide, saved, du);
      b.LinearBackward(du, up, {}, dcontext);
      b.AlibiAttentionBackward(qkv, at, 3, {}, dcontext, dqkv);
      b.LinearBackward(dqkv, in, {}, dnormed);
      b.LayerNormBackward(dnormed, xhat, rstd, gamma, false, dh);
      b.PoolBackward(dpooled, at, Pooling::kMean, {}, dtokens);
      std::vector<std::vector<double>> outputs;
      for (const TensorView& y :
           {normed, qkv, context, wide, pooled, du, dcontext, dqkv, dnormed, dh, dtokens})
        outputs.push_back(wb.Read(y));
      return outputs;
    };
    const auto clean = run({}), poisoned = run(poison);
    for (size_t k = 0; k < clean.size(); ++k) {
      const bool of_texts = k == 4;
      const size_t rows = of_texts ? 3 : kRows, width = clean[k].size() / rows;
      const size_t first = of_texts ? 1 : 5,
                   last = of_texts ? 2 : 9;  // the rows of the second text
      bool seen = false;
      for (size_t i = 0; i < clean[k].size(); ++i) {
        const size_t row = i / width;
        if (row < first || row >= last) {
          ASSERT_EQ(poisoned[k][i], clean[k][i]) << "output " << k << " row " << row;
        } else {
          seen |= !std::isfinite(poisoned[k][i]);
        }
      }
      EXPECT_TRUE(seen) << "output " << k << " hides the value";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Computes, CudaTexts, ::testing::ValuesIn(kComputeModes), ComputeName);

}  // namespace
}  // namespace lacos::testing
