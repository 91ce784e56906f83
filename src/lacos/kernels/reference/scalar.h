// Scalar helpers for templates over S = double or std::complex<double>. They are analytic in S, so
// that complex step works.
//
// With complex S, f(x + ih) / h for h = 1e-50 has the imaginary part f'(x) without cancellation, as
// long as every operation is analytic: comparisons and maxima use the real part, |x| is -x or x,
// and norms are square roots of sums of squares. Source: Squire and Trapp, "Using complex variables
// to estimate derivatives of real functions" (SIAM Rev. 1998).
#pragma once

#include <cmath>
#include <complex>

#include "lacos/tensor/dtype.h"

namespace lacos::ref {

using Complex = std::complex<double>;

inline double Real(double x) { return x; }
inline double Real(const Complex& x) { return x.real(); }
inline double Real(float x) { return x; }

inline bool IsFinite(double x) { return std::isfinite(x); }
inline bool IsFinite(const Complex& x) {
  return std::isfinite(x.real()) && std::isfinite(x.imag());
}

template <class S>
S Abs(S x) {
  return Real(x) < 0 ? -x : x;
}

template <class S>
constexpr DType TypeOf() {
  return sizeof(S) == sizeof(double) ? DType::kF64 : DType::kC128;
}

// Converts S to T, the type in memory: the same type, or a narrower real one with rounding.
template <class T, class S>
T Narrow(const S& x) {
  return static_cast<T>(x);
}

}  // namespace lacos::ref
