// Compares every op of the CPU backend with the reference in double, in each compute mode, within
// derived tolerances.
#include <tuple>

#include "unit/kernels/equals_reference.h"

namespace lacos::testing {
namespace {

class CpuBackend : public ::testing::TestWithParam<std::tuple<Compute, OpCase>> {};

TEST_P(CpuBackend, EqualsTheReference) {
  const auto& [compute, c] = GetParam();
  ExpectEqualsReference(c, compute, MakeCpuBackend({.compute = compute}));
}

INSTANTIATE_TEST_SUITE_P(Ops, CpuBackend,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(OpCases())),
                         [](const ::testing::TestParamInfo<CpuBackend::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

}  // namespace
}  // namespace lacos::testing
