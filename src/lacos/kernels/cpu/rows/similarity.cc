#include "lacos/kernels/cpu/rows/similarity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/ranges.h"
#include "lacos/kernels/reference/angle.h"
#include "lacos/kernels/reference/norm.h"

namespace lacos::cpu {
namespace {

// A row as floats: a pointer into x, or to the row converted into `copy`.
const float* Row(ConstFloats x, int64_t row, int64_t cols, std::vector<float>& copy) {
  const ConstFloats from = x.At(row * cols);
  if (!from.bf16) return from.f32();
  copy.resize(static_cast<size_t>(cols));
  ConvertFloats(from, cols, FloatsOf(copy.data()));
  return copy.data();
}

double Dot(const float* a, const float* b, int64_t cols) {
  double sum = 0;
  for (int64_t c = 0; c < cols; ++c) sum += static_cast<double>(a[c]) * static_cast<double>(b[c]);
  return sum;
}

// Calls f(row, result [cols]) for all rows of y, and stores or adds the results.
template <class F>
void WriteRows(View y, bool accumulate, const F& f) {
  const int64_t cols = y.cols();
  const Floats out = FloatsOf(y);
  RunRanges(y.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    std::vector<float> result(static_cast<size_t>(cols)), old;
    for (int64_t n = begin; n < end; ++n) {
      f(n, result.data());
      if (accumulate) {
        const float* before = Row(out, n, cols, old);
        for (int64_t c = 0; c < cols; ++c) result[c] += before[c];
      }
      ConvertFloats(FloatsOf(result.data()), cols, out.At(n * cols));
    }
  });
}

// y[n] = score(row n of a, row n of b, columns).
template <class F>
void ScoreRows(View a, View b, View y, const F& score) {
  const int64_t cols = a.cols();
  LACOS_CHECK(a.Elements() == b.Elements() && y.Elements() == a.rows(), "y [N] of a, b [N, D]");
  const ConstFloats fa = FloatsOf(a), fb = FloatsOf(b);
  float* out = F32Of(y);
  RunRanges(a.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    std::vector<float> copy_a, copy_b;
    for (int64_t n = begin; n < end; ++n) {
      out[n] = static_cast<float>(score(Row(fa, n, cols, copy_a), Row(fb, n, cols, copy_b), cols));
    }
  });
}

}  // namespace

void L2Normalize(View x, View norm, View y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(y.Elements() == x.Elements(), "y has x's shape");
  const ConstFloats fx = FloatsOf(x);
  float* norms = F32Of(norm);
  WriteRows(y, false, [&](int64_t n, float* out) {
    std::vector<float> copy;
    const float* from = Row(fx, n, cols, copy);
    const double length = std::sqrt(Dot(from, from, cols));
    if (norms != nullptr) norms[n] = static_cast<float>(length);
    // Compares in float, like the backward pass, which clamps the stored norm.
    const double divisor = static_cast<float>(length) < static_cast<float>(ref::kSmallestNorm)
                               ? ref::kSmallestNorm
                               : length;
    for (int64_t c = 0; c < cols; ++c) out[c] = static_cast<float>(from[c] / divisor);
  });
}

void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) {
  const int64_t cols = dx.cols();
  LACOS_CHECK(dy.Elements() == dx.Elements() && y.Elements() == dx.Elements(), "dx has y's shape");
  const ConstFloats fdy = FloatsOf(dy), fy = FloatsOf(y);
  const float* norms = F32Of(norm);
  WriteRows(dx, accumulate, [&](int64_t n, float* out) {
    std::vector<float> copy_dy, copy_y;
    const float* g = Row(fdy, n, cols, copy_dy);
    const float* unit = Row(fy, n, cols, copy_y);
    const bool clamped = norms[n] < static_cast<float>(ref::kSmallestNorm);
    const double projection = clamped ? 0.0 : Dot(unit, g, cols);
    const double divisor = clamped ? ref::kSmallestNorm : static_cast<double>(norms[n]);
    for (int64_t c = 0; c < cols; ++c)
      out[c] = static_cast<float>((g[c] - unit[c] * projection) / divisor);
  });
}

void CopyColumns(View x, bool accumulate, View y) {
  LACOS_CHECK(x.rows() == y.rows(), "x and y have the same rows");
  const int64_t from_cols = x.cols(), to_cols = y.cols(), cols = std::min(from_cols, to_cols);
  const ConstFloats fx = FloatsOf(x);
  const Floats fy = FloatsOf(y);
  RunRanges(y.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    std::vector<float> copy_x, copy_y, sum(static_cast<size_t>(cols));
    for (int64_t n = begin; n < end; ++n) {
      if (!accumulate) {
        ConvertFloats(fx.At(n * from_cols), cols, fy.At(n * to_cols));
        continue;
      }
      const float* added = Row(fx.At(n * from_cols), 0, cols, copy_x);
      const float* before = Row(fy.At(n * to_cols), 0, cols, copy_y);
      for (int64_t c = 0; c < cols; ++c) sum[c] = before[c] + added[c];
      ConvertFloats(FloatsOf(sum.data()), cols, fy.At(n * to_cols));
    }
  });
}

void GatherRows(View x, View index, View y) {
  const int64_t cols = y.cols(), rows = y.rows();
  LACOS_CHECK(x.cols() == cols && index.Elements() == rows, "y [N, D] of x [U, D] and index [N]");
  const int32_t* from = I32Of(index);
  const ConstFloats fx = FloatsOf(x);
  const Floats fy = FloatsOf(y);
  RunRanges(rows, RowGrain(cols), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      LACOS_CHECK(from[n] >= 0 && from[n] < x.rows(), "an index is a row of x");
      ConvertFloats(fx.At(from[n] * cols), cols, fy.At(n * cols));
    }
  });
}

void GatherRowsBackward(View dy, View index, View dx) {
  const int64_t cols = dx.cols();
  LACOS_CHECK(dy.cols() == cols && index.Elements() == dy.rows(),
              "dx [U, D] of dy [N, D] and index [N]");
  // Lists for each row of dx the rows of dy that belong to it, in order. One thread sums a row.
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(dx.rows()));
  const int32_t* to = I32Of(index);
  for (int64_t n = 0; n < dy.rows(); ++n) {
    LACOS_CHECK(to[n] >= 0 && to[n] < dx.rows(), "an index is a row of dx");
    rows[to[n]].push_back(n);
  }
  const ConstFloats fdy = FloatsOf(dy);
  const Floats fdx = FloatsOf(dx);
  RunRanges(dx.rows(), RowGrain(cols), [&](int64_t begin, int64_t end) {
    std::vector<float> sum(static_cast<size_t>(cols)), copy;
    for (int64_t u = begin; u < end; ++u) {
      ConvertFloats(fdx.At(u * cols), cols, FloatsOf(sum.data()));
      for (const int64_t n : rows[u]) {
        const float* added = Row(fdy, n, cols, copy);
        for (int64_t c = 0; c < cols; ++c) sum[c] += added[c];
      }
      ConvertFloats(FloatsOf(sum.data()), cols, fdx.At(u * cols));
    }
  });
}

void RowDot(View a, View b, View y) { ScoreRows(a, b, y, Dot); }

void RowScale(View x, View scale, bool accumulate, View y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(y.Elements() == x.Elements() && scale.Elements() == x.rows(),
              "y [N, D] of x [N, D] and scale [N]");
  const ConstFloats fx = FloatsOf(x);
  const float* factors = F32Of(scale);
  WriteRows(y, accumulate, [&](int64_t n, float* out) {
    std::vector<float> copy;
    const float* from = Row(fx, n, cols, copy);
    for (int64_t c = 0; c < cols; ++c) out[c] = factors[n] * from[c];
  });
}

void AbsDifference(View a, View b, View y) {
  const int64_t cols = y.cols();
  LACOS_CHECK(a.Elements() == y.Elements() && b.Elements() == y.Elements(),
              "three tensors of one shape");
  const ConstFloats fa = FloatsOf(a), fb = FloatsOf(b);
  WriteRows(y, false, [&](int64_t n, float* out) {
    std::vector<float> copy_a, copy_b;
    const float* left = Row(fa, n, cols, copy_a);
    const float* right = Row(fb, n, cols, copy_b);
    for (int64_t c = 0; c < cols; ++c) out[c] = std::abs(left[c] - right[c]);
  });
}

void AbsDifferenceBackward(View dy, View a, View b, View da, View db) {
  const int64_t cols = dy.cols();
  const ConstFloats fdy = FloatsOf(dy), fa = FloatsOf(a), fb = FloatsOf(b);
  const auto add = [&](View out_view, float direction) {
    LACOS_CHECK(out_view.Elements() == dy.Elements(), "gradients have dy's shape");
    WriteRows(out_view, true, [&](int64_t n, float* out) {
      std::vector<float> copy_dy, copy_a, copy_b;
      const float* g = Row(fdy, n, cols, copy_dy);
      const float* left = Row(fa, n, cols, copy_a);
      const float* right = Row(fb, n, cols, copy_b);
      for (int64_t c = 0; c < cols; ++c) {
        const float sign = left[c] > right[c] ? 1.0f : left[c] < right[c] ? -1.0f : 0.0f;
        out[c] = direction * sign * g[c];
      }
    });
  };
  add(da, 1.0f);
  add(db, -1.0f);
}

void AngleSimilarity(View a, View b, View y) {
  ScoreRows(a, b, y, [](const float* left, const float* right, int64_t cols) {
    return std::abs(ref::AngleSum<double>(left, right, cols));
  });
}

void AngleSimilarityBackward(View dy, View a, View b, View da, View db) {
  const int64_t cols = a.cols();
  LACOS_CHECK(a.Elements() == b.Elements() && dy.Elements() == a.rows(), "dy [N] of a, b [N, D]");
  LACOS_CHECK(da.Elements() == a.Elements() && db.Elements() == b.Elements(),
              "gradients have their inputs' shape");
  const ConstFloats fa = FloatsOf(a), fb = FloatsOf(b);
  const float* gradient = F32Of(dy);
  const auto backward = [&](int64_t n, float* row_da, float* row_db) {
    std::vector<float> copy_a, copy_b;
    ref::AngleRowBackward<double>(gradient[n], Row(fa, n, cols, copy_a), Row(fb, n, cols, copy_b),
                                  cols, row_da, row_db);
  };
  WriteRows(da, false, [&](int64_t n, float* out) { backward(n, out, nullptr); });
  WriteRows(db, false, [&](int64_t n, float* out) { backward(n, nullptr, out); });
}

}  // namespace lacos::cpu
