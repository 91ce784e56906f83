// AnglE's similarity of two rows, with its gradient; equal to pairwise_angle_sim of
// sentence-transformers for rows of length one.
//
// A row of D values is read as D / 2 complex numbers: the first half holds the real parts, the
// second half the imaginary parts, and an odd row is extended by a zero. The similarity is
//   |sum over d of a[d] b[d] + sum over k of im(a[k]) re(b[k]) - re(a[k]) im(b[k])|
// = |a . turned(b)|, where `turned` multiplies each complex number by 1 + i. Source: Li & Li,
// "AnglE-optimized text embeddings" (arXiv 2309.12871, 2023).
#pragma once

#include <cstdint>

#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// Value `d` of x [cols] multiplied by 1 + i (direction 1) or 1 - i (direction -1).
template <class S, class T>
S TurnedValue(const T* x, int64_t d, int64_t cols, double direction) {
  const int64_t half = (cols + 1) / 2;
  if (d >= half) return S(x[d]) + S(x[d - half]) * direction;
  return d + half < cols ? S(x[d]) - S(x[d + half]) * direction : S(x[d]);
}

// The similarity of a and b [cols] before its absolute value is taken.
template <class S, class T>
S AngleSum(const T* a, const T* b, int64_t cols) {
  S sum = 0;
  for (int64_t d = 0; d < cols; ++d) sum += S(a[d]) * TurnedValue<S>(b, d, cols, 1);
  return sum;
}

// da = dy sign(sum) turned(b), and db likewise in the other direction. As in torch, a sum of 0 has
// no gradient. da, db [cols]; either may be null.
template <class S, class T>
void AngleRowBackward(const S& dy, const T* a, const T* b, int64_t cols, T* da, T* db) {
  const double sum = Real(AngleSum<S>(a, b, cols));
  const S g = dy * (sum > 0 ? 1.0 : sum < 0 ? -1.0 : 0.0);
  for (int64_t d = 0; d < cols; ++d) {
    if (da != nullptr) da[d] = Narrow<T>(g * TurnedValue<S>(b, d, cols, 1));
    if (db != nullptr) db[d] = Narrow<T>(g * TurnedValue<S>(a, d, cols, -1));
  }
}

}  // namespace lacos::ref
