// Products: frozen linear layers with their epilogues, general matrix products, and sums over
// tokens by leaves.
//
// How to use it: function templates over pointers to row-major arrays of S (double or
// std::complex<double>); a null pointer means "absent". Forward and backward stand side by side.
// Frozen weights are real: `double`.
#pragma once

#include <cstdint>
#include <span>

#include "lacos/kernels/reference/activation.h"
#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// The epilogue of a product; see Epilogue in backend.h for the formula.
template <class S>
struct LinearEpilogue {
  const S* bias = nullptr;                       // [out]
  const S *lora_z = nullptr, *lora_b = nullptr;  // [T, R], [out, R]
  int64_t rank = 0;                              // R
  double lora_scale = 1;
  bool gelu = false;
  S* saved_gelu = nullptr;      // [T, out]
  const S* residual = nullptr;  // [T, out]
};

// y [rows, out] = x [rows, in] w^T with w [out, in], then the epilogue. y may be the residual.
template <class S>
void Linear(const S* x, const double* w, const LinearEpilogue<S>& e, int64_t rows, int64_t in,
            int64_t out, S* y) {
  for (int64_t t = 0; t < rows; ++t) {
    for (int64_t o = 0; o < out; ++o) {
      S u = 0;
      for (int64_t i = 0; i < in; ++i) u += x[t * in + i] * w[o * in + i];
      if (e.bias != nullptr) u += e.bias[o];
      if (e.lora_z != nullptr) {
        S z = 0;
        for (int64_t r = 0; r < e.rank; ++r)
          z += e.lora_z[t * e.rank + r] * e.lora_b[o * e.rank + r];
        u += e.lora_scale * z;
      }
      if (e.saved_gelu != nullptr) e.saved_gelu[t * out + o] = u;
      if (e.gelu) u = Gelu(u);
      if (e.residual != nullptr) u += e.residual[t * out + o];
      y[t * out + o] = u;
    }
  }
}

// The epilogue of a backward product; see BackwardEpilogue in backend.h for the formula.
template <class S>
struct LinearBackwardEpilogue {
  const S* saved_gelu = nullptr;                  // [T, in]
  const S *lora_dz = nullptr, *lora_a = nullptr;  // [T, R], [R, in]
  int64_t rank = 0;                               // R
  double lora_scale = 1;
  bool accumulate = false;
};

// dx [rows, in] (+)= epilogue(dy [rows, out] w).
template <class S>
void LinearBackward(const S* dy, const double* w, const LinearBackwardEpilogue<S>& e, int64_t rows,
                    int64_t in, int64_t out, S* dx) {
  for (int64_t t = 0; t < rows; ++t) {
    for (int64_t i = 0; i < in; ++i) {
      S d = 0;
      for (int64_t o = 0; o < out; ++o) d += dy[t * out + o] * w[o * in + i];
      if (e.lora_dz != nullptr) {
        S z = 0;
        for (int64_t r = 0; r < e.rank; ++r) z += e.lora_dz[t * e.rank + r] * e.lora_a[r * in + i];
        d += e.lora_scale * z;
      }
      if (e.saved_gelu != nullptr) d *= GeluDerivative(e.saved_gelu[t * in + i]);
      dx[t * in + i] = e.accumulate ? dx[t * in + i] + d : d;
    }
  }
}

// y [m, n] = alpha op(a) op(b) + beta y with op(a) [m, k] and op(b) [k, n]. The old y is not read
// if beta is 0.
template <class S>
void MatMul(const S* a, bool ta, const S* b, bool tb, double alpha, double beta, int64_t m,
            int64_t n, int64_t k, S* y) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      S sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += (ta ? a[l * m + i] : a[i * k + l]) * (tb ? b[j * k + l] : b[l * n + j]);
      y[i * n + j] = beta == 0 ? alpha * sum : alpha * sum + beta * y[i * n + j];
    }
  }
}

// y [p, q] += alpha a^T b with a [T, p] and b [T, q]. Each leaf is summed in row order, and add(i,
// value) adds its sum to element i of y; leaves are in index order.
template <class S, class Add>
void TokenOuter(const S* a, const S* b, std::span<const int64_t> leaves, double alpha, int64_t p,
                int64_t q, const Add& add) {
  for (size_t leaf = 0; leaf + 1 < leaves.size(); ++leaf) {
    for (int64_t i = 0; i < p; ++i) {
      for (int64_t j = 0; j < q; ++j) {
        S sum = 0;
        for (int64_t t = leaves[leaf]; t < leaves[leaf + 1]; ++t)
          sum += a[t * p + i] * b[t * q + j];
        add(i * q + j, alpha * sum);
      }
    }
  }
}

// y [cols] += the sum over the rows of x [T, cols], or of x times `other` if that is given.
template <class S, class Add>
void TokenSum(const S* x, const S* other, std::span<const int64_t> leaves, int64_t cols,
              const Add& add) {
  for (size_t leaf = 0; leaf + 1 < leaves.size(); ++leaf) {
    for (int64_t c = 0; c < cols; ++c) {
      S sum = 0;
      for (int64_t t = leaves[leaf]; t < leaves[leaf + 1]; ++t) {
        sum += other == nullptr ? x[t * cols + c] : x[t * cols + c] * other[t * cols + c];
      }
      add(c, sum);
    }
  }
}

}  // namespace lacos::ref
