// Members of ReferenceBackend that work on the vectors of texts: pooling, similarity, losses and the
// optimizer. reference_backend.cc includes this file and instantiates the class.
#pragma once

#include <algorithm>

#include "lacos/base/check.h"
#include "lacos/kernels/adam.h"
#include "lacos/kernels/reference/angle.h"
#include "lacos/kernels/reference/losses.h"
#include "lacos/kernels/reference/optimizer.h"
#include "lacos/kernels/reference/pooling.h"
#include "lacos/kernels/reference/reference_backend.h"
#include "lacos/kernels/reference/typed_view.h"
#include "lacos/quant/code.h"

namespace lacos::ref {

// --- pooling and similarity

template <class S>
void ReferenceBackend<S>::Pool(View x, const TextLayout& layout, Pooling pooling, View argmax,
                               View y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(layout.texts == y.rows() && y.cols() == cols, "y [N, D]");
  std::vector<int32_t> best(static_cast<size_t>(cols));
  for (int64_t n = 0; n < y.rows(); ++n) {
    const int64_t first = layout.host_offsets[n];
    const int64_t length = layout.host_offsets[n + 1] - first;
    S* out = Data<S>(y) + n * cols;
    if (length == 0) std::fill(out, out + cols, S(0));
    if (length > 0) PoolText(Data<S>(x) + first * cols, pooling, length, cols, best.data(), out);
    if (pooling != Pooling::kMax || !argmax) continue;
    auto* rows = reinterpret_cast<int32_t*>(argmax.data) + n * cols;
    for (int64_t c = 0; c < cols; ++c)
      rows[c] = length == 0 ? -1 : static_cast<int32_t>(first) + best[c];
  }
}

template <class S>
void ReferenceBackend<S>::PoolBackward(View dy, const TextLayout& layout, Pooling pooling,
                                       View argmax, View dx) {
  const int64_t cols = dx.cols();
  LACOS_CHECK(layout.texts == dy.rows() && dy.cols() == cols, "dy [N, D]");
  LACOS_CHECK(pooling != Pooling::kMax || argmax, "max pooling needs its argmax");
  std::vector<int32_t> best(static_cast<size_t>(cols));
  for (int64_t n = 0; n < dy.rows(); ++n) {
    const int64_t first = layout.host_offsets[n];
    const int64_t length = layout.host_offsets[n + 1] - first;
    for (int64_t c = 0; c < cols && pooling == Pooling::kMax; ++c) {
      best[c] = Ints(argmax)[n * cols + c] - static_cast<int32_t>(first);
    }
    PoolTextBackward(Data<S>(dy) + n * cols, pooling, length, cols, best.data(),
                     Data<S>(dx) + first * cols);
  }
}

template <class S>
void ReferenceBackend<S>::L2Normalize(View x, View norm, View y) {
  CheckSame(x, y);
  const int64_t cols = x.cols();
  for (int64_t n = 0; n < x.rows(); ++n) {
    const S length = L2NormalizeRow(Data<S>(x) + n * cols, cols, Data<S>(y) + n * cols);
    if (norm) Data<S>(norm)[n] = length;
  }
}

template <class S>
void ReferenceBackend<S>::L2NormalizeBackward(View dy, View y, View norm, bool accumulate,
                                              View dx) {
  CheckSame(dy, y);
  CheckSame(dy, dx);
  const int64_t cols = dy.cols();
  for (int64_t n = 0; n < dy.rows(); ++n) {
    L2NormalizeRowBackward(Data<S>(dy) + n * cols, Data<S>(y) + n * cols, Data<S>(norm)[n],
                           accumulate, cols, Data<S>(dx) + n * cols);
  }
}

template <class S>
void ReferenceBackend<S>::CopyColumns(View x, bool accumulate, View y) {
  LACOS_CHECK(x.rows() == y.rows(), "as many rows");
  for (int64_t r = 0; r < x.rows(); ++r) {
    for (int64_t c = 0; c < std::min(x.cols(), y.cols()); ++c) {
      S& out = Data<S>(y)[r * y.cols() + c];
      const S in = Data<S>(x)[r * x.cols() + c];
      out = accumulate ? out + in : in;
    }
  }
}

template <class S>
void ReferenceBackend<S>::GatherRows(View x, View index, View y) {
  LACOS_CHECK(x.cols() == y.cols() && index.Elements() == y.rows(), "y [N, D], index [N]");
  for (int64_t r = 0; r < y.rows(); ++r) {
    const int64_t from = Ints(index)[r];
    LACOS_CHECK(from >= 0 && from < x.rows(), "an index is a row of x");
    for (int64_t c = 0; c < y.cols(); ++c)
      Data<S>(y)[r * y.cols() + c] = Data<S>(x)[from * x.cols() + c];
  }
}

template <class S>
void ReferenceBackend<S>::GatherRowsBackward(View dy, View index, View dx) {
  LACOS_CHECK(dy.cols() == dx.cols() && index.Elements() == dy.rows(), "dy [N, D], index [N]");
  for (int64_t r = 0; r < dy.rows(); ++r) {
    const int64_t to = Ints(index)[r];
    LACOS_CHECK(to >= 0 && to < dx.rows(), "an index is a row of dx");
    for (int64_t c = 0; c < dx.cols(); ++c)
      Data<S>(dx)[to * dx.cols() + c] += Data<S>(dy)[r * dy.cols() + c];
  }
}

template <class S>
void ReferenceBackend<S>::RowDot(View a, View b, View y) {
  CheckSame(a, b);
  LACOS_CHECK(y.Elements() == a.rows(), "y [N]");
  for (int64_t n = 0; n < a.rows(); ++n) {
    S sum = 0;
    for (int64_t d = n * a.cols(); d < (n + 1) * a.cols(); ++d)
      sum += Data<S>(a)[d] * Data<S>(b)[d];
    Data<S>(y)[n] = sum;
  }
}

template <class S>
void ReferenceBackend<S>::RowScale(View x, View scale, bool accumulate, View y) {
  CheckSame(x, y);
  LACOS_CHECK(scale.Elements() == x.rows(), "scale [N]");
  for (int64_t i = 0; i < x.Elements(); ++i) {
    const S scaled = Data<S>(scale)[i / x.cols()] * Data<S>(x)[i];
    Data<S>(y)[i] = accumulate ? Data<S>(y)[i] + scaled : scaled;
  }
}

template <class S>
void ReferenceBackend<S>::AbsDifference(View a, View b, View y) {
  CheckSame(a, b);
  CheckSame(a, y);
  for (int64_t i = 0; i < a.Elements(); ++i) Data<S>(y)[i] = Abs(Data<S>(a)[i] - Data<S>(b)[i]);
}

template <class S>
void ReferenceBackend<S>::AbsDifferenceBackward(View dy, View a, View b, View da, View db) {
  CheckSame(dy, a);
  CheckSame(dy, b);
  for (int64_t i = 0; i < dy.Elements(); ++i) {
    const double difference = Real(Data<S>(a)[i]) - Real(Data<S>(b)[i]);
    const double sign = difference > 0 ? 1.0 : difference < 0 ? -1.0 : 0.0;
    Data<S>(da)[i] += sign * Data<S>(dy)[i];
    Data<S>(db)[i] -= sign * Data<S>(dy)[i];
  }
}

template <class S>
void ReferenceBackend<S>::AngleSimilarity(View a, View b, View y) {
  CheckSame(a, b);
  LACOS_CHECK(y.Elements() == a.rows(), "y [N]");
  for (int64_t n = 0; n < a.rows(); ++n) {
    const int64_t row = n * a.cols();
    Data<S>(y)[n] = Abs(AngleSum<S>(Data<S>(a) + row, Data<S>(b) + row, a.cols()));
  }
}

template <class S>
void ReferenceBackend<S>::AngleSimilarityBackward(View dy, View a, View b, View da, View db) {
  CheckSame(a, b);
  CheckSame(a, da);
  CheckSame(b, db);
  LACOS_CHECK(dy.Elements() == a.rows(), "dy [N]");
  for (int64_t n = 0; n < a.rows(); ++n) {
    const int64_t row = n * a.cols();
    AngleRowBackward<S>(Data<S>(dy)[n], Data<S>(a) + row, Data<S>(b) + row, a.cols(),
                        Data<S>(da) + row, Data<S>(db) + row);
  }
}

// --- losses

template <class S>
void ReferenceBackend<S>::SoftmaxCrossEntropy(View scores, View mask, View targets, View loss,
                                              View dscores) {
  LACOS_CHECK(targets.Elements() == scores.rows(), "one target a row");
  LACOS_CHECK(!mask || (mask.dtype == DType::kU8 && mask.Elements() == scores.Elements()),
              "mask U8 [N, M]");
  for (int64_t i = 0; i < scores.rows(); ++i) {
    LACOS_CHECK(Ints(targets)[i] >= 0 && Ints(targets)[i] < scores.cols(), "a target is a column");
  }
  *Data<S>(loss) =
      ref::SoftmaxCrossEntropy<S>(Data<S>(scores), reinterpret_cast<const uint8_t*>(mask.data),
                                  Ints(targets), scores.rows(), scores.cols(), Data<S>(dscores));
}

template <class S>
void ReferenceBackend<S>::MeanSquaredError(View x, View target, View loss, View dx) {
  CheckSame(x, target);
  *Data<S>(loss) = ref::MeanSquaredError<S>(Data<S>(x), Data<S>(target), x.Elements(), Data<S>(dx));
}

template <class S>
void ReferenceBackend<S>::CosentLoss(View x, View labels, double scale, View loss, View dx) {
  CheckSame(x, labels);
  *Data<S>(loss) =
      ref::CosentLoss<S>(Data<S>(x), Data<S>(labels), scale, x.Elements(), Data<S>(dx));
}

template <class S>
void ReferenceBackend<S>::TripletLoss(View a, View p, View n, double margin, View loss, View da,
                                      View dp, View dn) {
  CheckSame(a, p);
  CheckSame(a, n);
  *Data<S>(loss) = ref::TripletLoss<S>(Data<S>(a), Data<S>(p), Data<S>(n), margin, a.rows(),
                                       a.cols(), Data<S>(da), Data<S>(dp), Data<S>(dn));
}

// --- optimizer

template <class S>
void ReferenceBackend<S>::SumSquares(std::span<const TensorView> x, View out, View nonfinite) {
  S sum = 0;
  int64_t count = 0;
  for (const TensorView& tensor : x)
    ref::SumSquares<S>(Data<S>(tensor), tensor.Elements(), sum, count);
  *Data<S>(out) = sum;
  if (nonfinite) *Data<S>(nonfinite) = static_cast<double>(count);
}

template <class S>
void ReferenceBackend<S>::Adam8(const AdamStep& step, View gradient, const Adam8State& state,
                                View parameter) {
  CheckSame(gradient, parameter);
  const int64_t blocks = (parameter.Elements() + kAdam8BlockSize - 1) / kAdam8BlockSize;
  LACOS_CHECK(state.m_absmax.Elements() == blocks && state.v_absmax.Elements() == blocks,
              "one scale a block");
  const std::vector<float> g = ToFloats<S>(gradient);  // the update is defined in float
  std::vector<float> p = ToFloats<S>(parameter);
  Adam8UpdateF32(
      step, parameter.Elements(), g.data(), reinterpret_cast<uint8_t*>(state.m_codes.data),
      reinterpret_cast<uint8_t*>(state.v_codes.data), reinterpret_cast<float*>(state.m_absmax.data),
      reinterpret_cast<float*>(state.v_absmax.data), p.data());
  std::copy(p.begin(), p.end(), Data<S>(parameter));
}

template <class S>
void ReferenceBackend<S>::Adam(const AdamStep& step, View gradient, const AdamState& state,
                               View parameter) {
  CheckSame(gradient, parameter);
  ref::Adam(step, parameter.Elements(), Data<S>(gradient), Data<S>(state.m), Data<S>(state.v),
            Data<S>(parameter));
}

}  // namespace lacos::ref
