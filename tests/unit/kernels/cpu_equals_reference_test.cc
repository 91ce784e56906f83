// Compares every op of the CPU backend with the reference in double, in each compute mode, within
// derived tolerances.
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "lacos/kernels/make_backend.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {
namespace {

class CpuBackend : public ::testing::TestWithParam<std::tuple<Compute, OpCase>> {};

TEST_P(CpuBackend, EqualsTheReference) {
  const auto& [compute, c] = GetParam();
  Workbench cpu(MakeCpuBackend({.compute = compute}));
  Workbench reference(MakeReferenceBackend(DType::kF64), cpu.types());
  Workbench magnitudes(MakeReferenceBackend(DType::kF64), cpu.types());
  magnitudes.UseAbsoluteInputs(true);
  const std::vector<OpOutput> actual = c.run(cpu, compute);
  const std::vector<OpOutput> exact = c.run(reference, compute);
  const std::vector<OpOutput> magnitude = c.run(magnitudes, compute);
  ASSERT_EQ(actual.size(), exact.size());
  for (size_t k = 0; k < actual.size(); ++k) {
    const std::vector<double> y = cpu.Read(actual[k].view), e = reference.Read(exact[k].view);
    const std::vector<double> m = magnitudes.Read(magnitude[k].view);
    ASSERT_EQ(y.size(), e.size());
    int64_t wrong = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      const OpOutput& bound = actual[k];
      const double tolerance = bound.relative * std::abs(e[i]) + bound.absolute +
                               bound.magnitude * std::abs(m[i]) +
                               (bound.bounds.empty() ? 0 : bound.bounds[i]);
      if (std::abs(y[i] - e[i]) <= tolerance) continue;  // the comparison is false for NaN
      if (++wrong <= 3) {
        ADD_FAILURE() << "output " << k << " element " << i << " of " << y.size() << ": " << y[i]
                      << ", expected " << e[i] << " within " << tolerance;
      }
    }
    EXPECT_EQ(wrong, 0) << "elements of output " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, CpuBackend,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(OpCases())),
                         [](const ::testing::TestParamInfo<CpuBackend::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

}  // namespace
}  // namespace lacos::testing
