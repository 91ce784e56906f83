// From token vectors to one vector for each text, and back; for one text of one or more tokens.
//
// How to use it: x, dx [length, cols] are the rows of the text; argmax [cols] holds rows within the
// text and is used for kMax only.
#pragma once

#include <cmath>
#include <cstdint>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// The weight of token t of `length` in the poolings that are weighted sums (all except kMax). The
// weighted mean uses weights 1 to length; the square-root mean divides the sum by sqrt(length).
inline double PoolWeight(Pooling pooling, int64_t t, int64_t length) {
  const auto n = static_cast<double>(length);
  switch (pooling) {
    case Pooling::kMean:
      return 1.0 / n;
    case Pooling::kWeightedMean:
      return static_cast<double>(t + 1) / (n * (n + 1.0) / 2.0);
    case Pooling::kLast:
      return t == length - 1 ? 1.0 : 0.0;
    case Pooling::kCls:
      return t == 0 ? 1.0 : 0.0;
    case Pooling::kMeanSqrtLen:
      return 1.0 / std::sqrt(n);
    case Pooling::kMax:
      break;
  }
  return 0.0;
}

template <class S>
void PoolText(const S* x, Pooling pooling, int64_t length, int64_t cols, int32_t* argmax, S* y) {
  for (int64_t c = 0; c < cols; ++c) {
    if (pooling == Pooling::kMax) {
      int64_t best = 0;
      for (int64_t t = 1; t < length; ++t) {
        if (Real(x[t * cols + c]) > Real(x[best * cols + c])) best = t;
      }
      if (argmax != nullptr) argmax[c] = static_cast<int32_t>(best);
      y[c] = x[best * cols + c];
    } else {
      y[c] = 0;
      for (int64_t t = 0; t < length; ++t) y[c] += PoolWeight(pooling, t, length) * x[t * cols + c];
    }
  }
}

template <class S>
void PoolTextBackward(const S* dy, Pooling pooling, int64_t length, int64_t cols,
                      const int32_t* argmax, S* dx) {
  for (int64_t t = 0; t < length; ++t) {
    for (int64_t c = 0; c < cols; ++c) {
      const double weight =
          pooling == Pooling::kMax ? (argmax[c] == t ? 1.0 : 0.0) : PoolWeight(pooling, t, length);
      dx[t * cols + c] = weight * dy[c];
    }
  }
}

}  // namespace lacos::ref
