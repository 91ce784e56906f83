#include "lacos/kernels/cpu/rows/pooling.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/ranges.h"

namespace lacos::cpu {
namespace {

// For each column the text's row with the greatest value, or the first of several such rows. NaN
// counts as greatest, so that it is not hidden.
void MaxText(ConstFloats x, int64_t first, int64_t length, int64_t cols, int32_t* argmax,
             float* y) {
  std::vector<float> row(static_cast<size_t>(cols));
  for (int64_t t = 0; t < length; ++t) {
    ConvertFloats(x.At((first + t) * cols), cols, FloatsOf(row.data()));
    for (int64_t c = 0; c < cols; ++c) {
      const bool better = t == 0 || row[c] > y[c] || (row[c] != row[c] && y[c] == y[c]);
      if (!better) continue;
      y[c] = row[c];
      if (argmax != nullptr) argmax[c] = static_cast<int32_t>(first + t);
    }
  }
}

// The weights of a text's rows in the poolings that are weighted sums (all except kMax). Within
// [begin, end) row t has the weight (rising ? t + 1 : 1) / divisor; all other rows have 0.
struct RowWeights {
  int64_t begin = 0, end = 0;
  bool rising = false;
  double divisor = 1;

  double At(int64_t t) const {
    if (t < begin || t >= end) return 0;
    return (rising ? static_cast<double>(t + 1) : 1.0) / divisor;
  }
};

RowWeights WeightsOf(Pooling pooling, int64_t length) {
  const auto n = static_cast<double>(length);
  RowWeights weights{.begin = 0, .end = length};
  if (pooling == Pooling::kCls) weights.end = 1;
  if (pooling == Pooling::kLast) weights.begin = length - 1;
  if (pooling == Pooling::kMean) weights.divisor = n;
  if (pooling == Pooling::kMeanSqrtLen) weights.divisor = std::sqrt(n);
  if (pooling == Pooling::kWeightedMean) {
    weights.rising = true;
    weights.divisor = n * (n + 1) / 2;  // 1 + 2 + ... + n
  }
  return weights;
}

// The weighted sum over the rows of a text, added in row order in double.
void SumText(ConstFloats x, Pooling pooling, int64_t first, int64_t length, int64_t cols,
             float* y) {
  std::vector<float> row(static_cast<size_t>(cols));
  std::vector<double> sum(static_cast<size_t>(cols), 0.0);
  const RowWeights weights = WeightsOf(pooling, length);
  for (int64_t t = weights.begin; t < weights.end; ++t) {
    const double weight = weights.At(t);
    ConvertFloats(x.At((first + t) * cols), cols, FloatsOf(row.data()));
    for (int64_t c = 0; c < cols; ++c) sum[c] += weight * static_cast<double>(row[c]);
  }
  for (int64_t c = 0; c < cols; ++c) y[c] = static_cast<float>(sum[c]);
}

}  // namespace

void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y) {
  const int64_t cols = x.cols();
  const std::span<const int32_t> begin = layout.host_offsets;
  LACOS_CHECK(layout.tokens == x.rows(), "the texts cover all tokens");
  LACOS_CHECK(y.rows() == layout.texts && y.cols() == cols, "y is [N, D]");
  const ConstFloats from = FloatsOf(x);
  const Floats to = FloatsOf(y);
  int32_t* rows = pooling == Pooling::kMax ? I32Of(argmax) : nullptr;
  ParallelFor(y.rows(), [&](int64_t n) {
    const int64_t first = begin[n], length = begin[n + 1] - first;
    std::vector<float> pooled(static_cast<size_t>(cols), 0.0f);
    if (length == 0) {
      if (rows != nullptr) std::fill(rows + n * cols, rows + (n + 1) * cols, -1);
    } else if (pooling == Pooling::kMax) {
      MaxText(from, first, length, cols, rows == nullptr ? nullptr : rows + n * cols,
              pooled.data());
    } else {
      SumText(from, pooling, first, length, cols, pooled.data());
    }
    ConvertFloats(FloatsOf(pooled.data()), cols, to.At(n * cols));
  });
}

void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax, View dx) {
  const int64_t cols = dx.cols();
  const std::span<const int32_t> begin = layout.host_offsets;
  LACOS_CHECK(layout.tokens == dx.rows(), "the texts cover all tokens");
  LACOS_CHECK(dy.rows() == layout.texts && dy.cols() == cols, "dy is [N, D]");
  LACOS_CHECK(pooling != Pooling::kMax || argmax, "max pooling's backward needs argmax");
  const ConstFloats from = FloatsOf(dy);
  const Floats to = FloatsOf(dx);
  const int32_t* rows = I32Of(argmax);
  ParallelFor(dy.rows(), [&](int64_t n) {
    const int64_t first = begin[n], length = begin[n + 1] - first;
    std::vector<float> gradient(static_cast<size_t>(cols)), row(static_cast<size_t>(cols));
    ConvertFloats(from.At(n * cols), cols, FloatsOf(gradient.data()));
    const RowWeights weights = WeightsOf(pooling, length);
    for (int64_t t = 0; t < length; ++t) {
      const auto weight = static_cast<float>(weights.At(t));
      for (int64_t c = 0; c < cols; ++c) {
        const float w =
            pooling == Pooling::kMax ? (rows[n * cols + c] == first + t ? 1.0f : 0.0f) : weight;
        row[c] = w * gradient[c];
      }
      ConvertFloats(FloatsOf(row.data()), cols, to.At((first + t) * cols));
    }
  });
}

}  // namespace lacos::cpu
