// Compares every op of the CUDA backend with the reference in double, in each compute mode, with the
// CPU's tolerances, in the emulator in two orders of threads.
#include <tuple>

#include "unit/kernels/cuda/test_gpu.h"
#include "unit/kernels/equals_reference.h"

namespace lacos::testing {
namespace {

class CudaBackend : public ::testing::TestWithParam<std::tuple<Compute, OpCase>> {};

TEST_P(CudaBackend, EqualsTheReference) {
  const auto& [compute, c] = GetParam();
  for (const bool other_order : {false, true}) {
    UseAnotherOrder(other_order);
    std::unique_ptr<Backend> gpu = MakeTestGpu(compute);
    if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
    ExpectEqualsReference(c, compute, std::move(gpu));
  }
  UseAnotherOrder(false);
}

INSTANTIATE_TEST_SUITE_P(Ops, CudaBackend,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(OpCases())),
                         [](const ::testing::TestParamInfo<CudaBackend::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

}  // namespace
}  // namespace lacos::testing
