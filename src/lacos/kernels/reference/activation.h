// GELU in its tanh form, which BLOOM uses, and its derivative.
#pragma once

#include <cmath>

#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// The constant that BLOOM uses for sqrt(2 / pi). The constants of the derivative are computed from
// it, so that forward and backward agree exactly.
constexpr double kGeluSlope = 0.79788456;
constexpr double kGeluCubic = 0.044715;

template <class S>
S Gelu(const S& u) {
  return 0.5 * u * (1.0 + std::tanh(kGeluSlope * u * (1.0 + kGeluCubic * u * u)));
}

template <class S>
S GeluDerivative(const S& u) {
  const S t = std::tanh(kGeluSlope * u * (1.0 + kGeluCubic * u * u));
  const S inner = kGeluSlope * (1.0 + 3.0 * kGeluCubic * u * u);
  return 0.5 * (1.0 + t) + 0.5 * u * (1.0 - t * t) * inner;
}

}  // namespace lacos::ref
