// Compares the backward ops of a backend with the complex-step derivative of the forward ops: the
// imaginary part of f(x + ih) / h with h = 1e-50 has no cancellation, so both agree up to rounding.
#pragma once

#include <gtest/gtest.h>

#include <complex>
#include <memory>
#include <utility>
#include <vector>

#include "lacos/kernels/make_backend.h"
#include "unit/kernels/gradient_cases.h"

namespace lacos::testing {

inline Tensors GradientInputs(Workbench& wb, const GradientCase& c) {
  Tensors x;
  for (const TensorView& input : c.inputs)
    x.push_back(wb.Normal(Role::kStatistic, input.shape, 100 + x.size(), c.input_scale));
  return x;
}

// The gradient of sum(cotangent * output) by complex step on the reference backend, one input element
// at a time.
inline std::vector<double> ComplexStep(const GradientCase& c, size_t input,
                                       std::span<const double> cotangent) {
  using Complex = std::complex<double>;
  constexpr double kStep = 1e-50;
  std::vector<double> gradient(static_cast<size_t>(c.inputs[input].Elements()));
  for (size_t i = 0; i < gradient.size(); ++i) {
    Workbench wb(MakeReferenceBackend(DType::kC128));
    const Tensors x = GradientInputs(wb, c);
    std::vector<Complex> values(gradient.size());
    wb.backend().Download(x[input], std::as_writable_bytes(std::span(values)));
    values[i] += Complex(0, kStep);
    wb.backend().Upload(std::as_bytes(std::span<const Complex>(values)), x[input]);
    const TensorView y = c.forward(wb, x);
    std::vector<Complex> output(static_cast<size_t>(y.Elements()));
    wb.backend().Download(y, std::as_writable_bytes(std::span(output)));
    for (size_t j = 0; j < output.size(); ++j)
      gradient[i] += cotangent[j] * output[j].imag() / kStep;
  }
  return gradient;
}

// These are sums of at most 100 terms, so 4,500 roundings leave room for conditioning.
inline constexpr double kGradientRoundings = 4500;

// `epsilon` is the distance of 1 from the next number of the arithmetic: 2^-52 for double.
inline void ExpectGradientsEqualComplexStep(const GradientCase& c, std::unique_ptr<Backend> backend,
                                            double epsilon) {
  Workbench wb(std::move(backend));
  const Tensors x = GradientInputs(wb, c);
  const TensorView y = c.forward(wb, x);
  const TensorView dy = wb.Normal(Role::kStatistic, y.shape, 17);
  const std::vector<double> cotangent = wb.Read(dy);
  const Tensors gradients = c.backward(wb, x, dy);
  ASSERT_EQ(gradients.size(), c.inputs.size());
  for (size_t k = 0; k < gradients.size(); ++k) {
    const std::vector<double> expected = ComplexStep(c, k, cotangent);
    std::vector<double> difference = wb.Read(gradients[k]);
    ASSERT_EQ(difference.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) difference[i] -= expected[i];
    EXPECT_LE(MaxAbs(difference), kGradientRoundings * epsilon * (MaxAbs(expected) + 1e-3))
        << "input " << k;
    if (k == 0) {
      EXPECT_GT(MaxAbs(expected), 1e-3) << "the case has a gradient to test";
    }
  }
}

}  // namespace lacos::testing
