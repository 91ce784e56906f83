// Adam with decoupled weight decay, written for reading, and the gradient norm. The float updates
// that match bitsandbytes operation by operation are in kernels/adam.h.
//
// How to use it: pointers to arrays of S (double or std::complex<double>).
#pragma once

#include <cmath>
#include <cstdint>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// Adds the gradient to the moments, then p = p (1 - lr wd) - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1
// - b2^t) + eps).
template <class S>
void Adam(const AdamStep& step, int64_t n, const S* gradient, S* m, S* v, S* parameter) {
  const double correction1 = 1.0 - std::pow(step.beta1, static_cast<double>(step.step));
  const double correction2 = std::sqrt(1.0 - std::pow(step.beta2, static_cast<double>(step.step)));
  for (int64_t i = 0; i < n; ++i) {
    const S g = gradient[i] * step.gradient_scale;
    m[i] = step.beta1 * m[i] + (1.0 - step.beta1) * g;
    v[i] = step.beta2 * v[i] + (1.0 - step.beta2) * g * g;
    const S root = Real(v[i]) == 0 ? S(0) : S(std::sqrt(v[i]));
    parameter[i] *= 1.0 - step.learning_rate * step.weight_decay;
    parameter[i] -= step.learning_rate / correction1 * m[i] / (root / correction2 + step.eps);
  }
}

// Adds the squares of x [n] to `sum` and counts in `nonfinite` the values that are not finite.
template <class S>
void SumSquares(const S* x, int64_t n, S& sum, int64_t& nonfinite) {
  for (int64_t i = 0; i < n; ++i) {
    sum += x[i] * x[i];
    nonfinite += IsFinite(x[i]) ? 0 : 1;
  }
}

}  // namespace lacos::ref
