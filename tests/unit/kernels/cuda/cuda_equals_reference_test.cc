// Compares every op of the CUDA backend with the reference in double, in each compute mode, with the
// CPU's tolerances; in the long form in two orders of the emulator's threads.
#include <tuple>

#include "unit/kernels/cuda/long_form.h"
#include "unit/kernels/cuda/test_gpu.h"
#include "unit/kernels/equals_reference.h"

namespace lacos::testing {
namespace {

class CudaBackend : public ::testing::TestWithParam<std::tuple<Compute, OpCase>> {};

TEST_P(CudaBackend, EqualsTheReference) {
  const auto& [compute, c] = GetParam();
  for (const bool other_order : {false, true}) {
    if (other_order && !IsLongForm()) break;
    UseAnotherOrder(other_order);
    std::unique_ptr<Backend> gpu = MakeTestGpu(compute);
    if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
    ExpectEqualsReference(c, compute, std::move(gpu));
  }
  UseAnotherOrder(false);
}

std::vector<OpCase> Cases() {
  std::vector<OpCase> cases = GpuOpCases();
  if (!IsLongForm() && GpuIsEmulated()) return cases;
  for (OpCase& c : LargeOpCases()) cases.push_back(std::move(c));
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Ops, CudaBackend,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(Cases())),
                         [](const ::testing::TestParamInfo<CudaBackend::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

}  // namespace
}  // namespace lacos::testing
