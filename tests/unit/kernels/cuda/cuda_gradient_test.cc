// Checks the backward ops of the CUDA backend in f32 against the complex-step derivative of the
// reference's forward ops.
#include "unit/kernels/complex_step.h"
#include "unit/kernels/cuda/test_gpu.h"

namespace lacos::testing {
namespace {

class CudaGradient : public ::testing::TestWithParam<GradientCase> {};

TEST_P(CudaGradient, OfTheBackwardOpEqualsTheComplexStep) {
  std::unique_ptr<Backend> gpu = MakeTestGpu(Compute::kF32);
  if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
  ExpectGradientsEqualComplexStep(GetParam(), std::move(gpu), 0x1p-23);
}

INSTANTIATE_TEST_SUITE_P(Ops, CudaGradient, ::testing::ValuesIn(GradientCases()),
                         [](const ::testing::TestParamInfo<GradientCase>& info) {
                           return info.param.name;
                         });

}  // namespace
}  // namespace lacos::testing
