// Checks every backward op of the reference backend against the complex-step derivative of its forward
// op.
#include "unit/kernels/complex_step.h"

namespace lacos::testing {
namespace {

class Gradient : public ::testing::TestWithParam<GradientCase> {};

TEST_P(Gradient, OfTheBackwardOpEqualsTheComplexStep) {
  for (const DType dtype : {DType::kF64, DType::kC128})
    ExpectGradientsEqualComplexStep(GetParam(), MakeReferenceBackend(dtype), 0x1p-52);
}

INSTANTIATE_TEST_SUITE_P(Ops, Gradient, ::testing::ValuesIn(GradientCases()),
                         [](const ::testing::TestParamInfo<GradientCase>& info) {
                           return info.param.name;
                         });

TEST(L2Normalize, GivesAFiniteGradientForAZeroVector) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const Shape row = {1, 3};
  const TensorView x = wb.Make(Role::kStatistic, row), y = wb.Make(Role::kStatistic, row),
                   norm = wb.Make(Role::kStatistic, {1}), dx = wb.Make(Role::kStatistic, row);
  const TensorView dy = wb.From(Role::kGradient, row, std::vector<float>{0.5f, -1.0f, 2.0f});
  wb.backend().L2Normalize(x, norm, y);
  wb.backend().L2NormalizeBackward(dy, y, norm, false, dx);
  EXPECT_EQ(wb.Read(y), std::vector<double>(3, 0));
  const std::vector<double> g = wb.Read(dy);
  for (int i = 0; i < 3; ++i)
    EXPECT_DOUBLE_EQ(wb.Read(dx)[i], g[i] / 1e-12);  // normalize of torch limits the divisor
}

}  // namespace
}  // namespace lacos::testing
