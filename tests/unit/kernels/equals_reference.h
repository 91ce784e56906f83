// Compares an op of a backend with the reference in double, within the tolerances of its case.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "lacos/kernels/make_backend.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {

inline void ExpectEqualsReference(const OpCase& c, Compute compute,
                                  std::unique_ptr<Backend> backend) {
  Workbench tested(std::move(backend));
  Workbench reference(MakeReferenceBackend(DType::kF64), tested.types());
  Workbench magnitudes(MakeReferenceBackend(DType::kF64), tested.types());
  magnitudes.UseAbsoluteInputs(true);
  const std::vector<OpOutput> actual = c.run(tested, compute);
  const std::vector<OpOutput> exact = c.run(reference, compute);
  const std::vector<OpOutput> magnitude = c.run(magnitudes, compute);
  ASSERT_EQ(actual.size(), exact.size());
  for (size_t k = 0; k < actual.size(); ++k) {
    const std::vector<double> y = tested.Read(actual[k].view), e = reference.Read(exact[k].view);
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

}  // namespace lacos::testing
