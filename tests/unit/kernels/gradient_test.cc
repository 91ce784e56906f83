// Every backward op of the backend against the complex-step derivative of its forward op: the
// imaginary part of f(x + ih) / h with h = 1e-50 has no cancellation, so both agree up to rounding.
#include <gtest/gtest.h>

#include <complex>

#include "lacos/kernels/make_backend.h"
#include "unit/kernels/gradient_cases.h"

namespace lacos::testing {
namespace {

using Complex = std::complex<double>;

constexpr double kStep = 1e-50;

Tensors MakeInputs(Workbench& wb, const GradientCase& c) {
  Tensors x;
  for (const TensorView& input : c.inputs) {
    x.push_back(wb.Normal(Role::kStatistic, input.shape, 100 + x.size(), c.input_scale));
  }
  return x;
}

// The gradient of sum(cotangent * output) by complex step, one input element at a time.
std::vector<double> ComplexStep(const GradientCase& c, size_t input,
                                std::span<const double> cotangent) {
  std::vector<double> gradient(static_cast<size_t>(c.inputs[input].Elements()));
  for (size_t i = 0; i < gradient.size(); ++i) {
    Workbench wb(MakeReferenceBackend(DType::kC128));
    const Tensors x = MakeInputs(wb, c);
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

class Gradient : public ::testing::TestWithParam<GradientCase> {};

TEST_P(Gradient, OfTheBackwardOpEqualsTheComplexStep) {
  const GradientCase& c = GetParam();
  for (const DType dtype : {DType::kF64, DType::kC128}) {
    Workbench wb(MakeReferenceBackend(dtype));
    const Tensors x = MakeInputs(wb, c);
    const TensorView y = c.forward(wb, x);
    const TensorView dy = wb.Normal(Role::kStatistic, y.shape, 17);
    const std::vector<double> cotangent = wb.Read(dy);
    const Tensors gradients = c.backward(wb, x, dy);
    ASSERT_EQ(gradients.size(), c.inputs.size());
    for (size_t k = 0; k < gradients.size(); ++k) {
      const std::vector<double> expected = ComplexStep(c, k, cotangent);
      std::vector<double> difference = wb.Read(gradients[k]);
      for (size_t i = 0; i < expected.size(); ++i) difference[i] -= expected[i];
      // These are sums of at most 100 terms in double. 1e-12 leaves room for conditioning; the
      // requirement is 1e-10.
      EXPECT_LE(MaxAbs(difference), 1e-12 * MaxAbs(expected) + 1e-15) << "input " << k;
      if (k == 0) {
        EXPECT_GT(MaxAbs(expected), 1e-3) << "the case has a gradient to test";
      }
    }
  }
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
