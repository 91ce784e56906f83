// LayerNorm and L2 normalization with their backward passes, written for one row.
//
// How to use it: call the functions for each row with pointers to S (double or
// std::complex<double>).
#pragma once

#include <cmath>
#include <cstdint>

#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// xhat = (x - mean) * rstd with the biased variance; returns rstd. xhat [cols] may be x.
template <class S>
S Standardize(const S* x, double eps, int64_t cols, S* xhat) {
  S mean = 0;
  for (int64_t c = 0; c < cols; ++c) mean += x[c];
  mean /= static_cast<double>(cols);
  S variance = 0;
  for (int64_t c = 0; c < cols; ++c) variance += (x[c] - mean) * (x[c] - mean);
  variance /= static_cast<double>(cols);
  const S rstd = 1.0 / std::sqrt(variance + eps);
  for (int64_t c = 0; c < cols; ++c) xhat[c] = (x[c] - mean) * rstd;
  return rstd;
}

// dx (+)= rstd (g - mean(g) - xhat mean(g xhat)) with g = gamma dy.
// dx may be dy if `accumulate` is false.
template <class S>
void LayerNormRowBackward(const S* dy, const S* xhat, const S& rstd, const S* gamma,
                          bool accumulate, int64_t cols, S* dx) {
  S mean = 0;
  S projection = 0;
  for (int64_t c = 0; c < cols; ++c) {
    mean += gamma[c] * dy[c];
    projection += gamma[c] * dy[c] * xhat[c];
  }
  mean /= static_cast<double>(cols);
  projection /= static_cast<double>(cols);
  for (int64_t c = 0; c < cols; ++c) {
    const S d = rstd * (gamma[c] * dy[c] - mean - xhat[c] * projection);
    dx[c] = accumulate ? dx[c] + d : d;
  }
}

// y = x / max(|x|, 1e-12), like torch's normalize; returns |x|. y may be x.
constexpr double kSmallestNorm = 1e-12;
template <class S>
S L2NormalizeRow(const S* x, int64_t cols, S* y) {
  S sum = 0;
  for (int64_t c = 0; c < cols; ++c) sum += x[c] * x[c];
  const S norm = Real(sum) == 0 ? S(0) : S(std::sqrt(sum));
  const S divisor = Real(norm) < kSmallestNorm ? S(kSmallestNorm) : norm;
  for (int64_t c = 0; c < cols; ++c) y[c] = x[c] / divisor;
  return norm;
}

// dx (+)= (dy - y (y . dy)) / norm.
// Below the smallest norm the divisor is constant, and dx (+)= dy / 1e-12.
template <class S>
void L2NormalizeRowBackward(const S* dy, const S* y, const S& norm, bool accumulate, int64_t cols,
                            S* dx) {
  const bool clamped = Real(norm) < kSmallestNorm;
  S projection = 0;
  if (!clamped) {
    for (int64_t c = 0; c < cols; ++c) projection += y[c] * dy[c];
  }
  const S divisor = clamped ? S(kSmallestNorm) : norm;
  for (int64_t c = 0; c < cols; ++c) {
    const S d = (dy[c] - y[c] * projection) / divisor;
    dx[c] = accumulate ? dx[c] + d : d;
  }
}

}  // namespace lacos::ref
