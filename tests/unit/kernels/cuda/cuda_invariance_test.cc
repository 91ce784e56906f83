// The results of a text on the GPU are the same, byte for byte, whatever else is in the batch, and NaN
// in one text reaches only that text.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
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

// Runs the ops of a block on three texts, the second of which holds `poison` in one value.
TEST_P(CudaTexts, NaNAndInfinityReachOnlyTheirText) {
  constexpr int64_t kWidth = 48;
  const std::vector<int32_t> offsets = {0, 5, 9, 16};
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::unique_ptr<Backend> gpu = MakeTestGpu(GetParam());
    if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
    Workbench wb(std::move(gpu));
    const auto run = [&](float value) {
      std::vector<float> x = NormalValues(offsets.back() * kWidth, 1);
      x[6 * kWidth + 7] = value;
      const auto rows = static_cast<int64_t>(offsets.back());
      const TensorView h = wb.From(Role::kResidual, {rows, kWidth}, x);
      const TensorView gamma = wb.Normal(Role::kParameter, {kWidth}, 2);
      const TensorView normed = wb.Make(Role::kActivation, {rows, kWidth});
      const TensorView qkv = wb.Make(Role::kActivation, {rows, 3 * kWidth});
      const TensorView context = wb.Make(Role::kActivation, {rows, kWidth});
      const TensorView wide = wb.Make(Role::kActivation, {rows, 64});
      const TensorView pooled = wb.Make(Role::kStatistic, {3, kWidth});
      const TextLayout at = wb.Layout(offsets);
      Backend& b = wb.backend();
      b.LayerNorm(h, gamma, gamma, 1e-5, {}, {}, normed);
      b.Linear(normed, AddTestWeight(wb, 3 * kWidth, kWidth, WeightFormat::kLinearRows), {}, qkv);
      b.AlibiAttention(qkv, at, 3, {}, context);
      b.Linear(context, AddTestWeight(wb, 64, kWidth, WeightFormat::kLinearRows),
               {.gelu = true, .saved_gelu = {}}, wide);
      b.Pool(h, at, Pooling::kMean, {}, pooled);
      std::vector<std::vector<double>> outputs;
      for (const TensorView& y : {normed, qkv, context, wide, pooled})
        outputs.push_back(wb.Read(y));
      return outputs;
    };
    const auto clean = run(0), poisoned = run(poison);
    for (size_t k = 0; k < clean.size(); ++k) {
      const size_t rows = k == 4 ? 3 : 16, width = clean[k].size() / rows;
      const size_t first = k == 4 ? 1 : 5, last = k == 4 ? 2 : 9;  // the rows of the second text
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
