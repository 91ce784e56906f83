// Checks the backward ops of the CPU backend in f32 against the complex-step derivative of the
// reference's forward ops.
#include "unit/kernels/complex_step.h"

namespace lacos::testing {
namespace {

class CpuGradient : public ::testing::TestWithParam<GradientCase> {};

TEST_P(CpuGradient, OfTheBackwardOpEqualsTheComplexStep) {
  ExpectGradientsEqualComplexStep(GetParam(), MakeCpuBackend({.compute = Compute::kF32}), 0x1p-23);
}

INSTANTIATE_TEST_SUITE_P(Ops, CpuGradient, ::testing::ValuesIn(GradientCases()),
                         [](const ::testing::TestParamInfo<GradientCase>& info) {
                           return info.param.name;
                         });

}  // namespace
}  // namespace lacos::testing
