// Ops on vectors [N, D]. Sums over a row are in double, in a fixed order.
//
// Grid: one block of 128 threads a row; copies and scalings of elements one thread an element. Saves
// the norms, if asked. Bytes: every tensor once or twice. FLOP: at most 6 D a row in double. These ops
// see a batch's texts, not its tokens, so together they take less than a percent of a step. Share of
// the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/rows/similarity.h"

#include "lacos/kernels/cuda/any_floats.h"
#include "lacos/kernels/cuda/reduce.h"

namespace lacos::cuda {
namespace {

constexpr unsigned kRowThreads = 128;
constexpr float kSmallestNorm = 1e-12f;

gpu::Grid GridOfRows(int64_t rows) { return {.blocks = rows, .threads = kRowThreads}; }
gpu::Grid GridOfElements(int64_t elements) {
  return {.blocks = CeilDiv(elements, kRowThreads), .threads = kRowThreads};
}
GPU_DEVICE int64_t ElementOfThread() { return gpu::Block() * gpu::Threads() + gpu::Thread(); }

using RowReducer = BlockReducer<double>;
using RowShared = ReduceShared<double>;

// The sum over the columns of a row. All threads get it.
template <class F>
GPU_DEVICE double SumOfRow(RowReducer& reduce, int64_t cols, F&& term,
                           gpu::Site site = gpu::Site::Here()) {
  double sum = 0;
  for (int64_t c = gpu::Thread(); c < cols; c += gpu::Threads()) sum += term(c);
  return reduce(sum, Plus(), site);
}

GPU_KERNEL L2NormalizeRow(AnyFloats x, int64_t cols, float* norm, AnyFloats y) {
  RowReducer reduce(gpu::Shared<RowShared>());
  const int64_t row = gpu::Block() * cols;
  const double squares = SumOfRow(reduce, cols, [&](int64_t c) {
    const double v = x.Load(row + c);
    return v * v;
  });
  const double length = gpu::Sqrt(squares);
  if (norm != nullptr && gpu::Thread() == 0) norm[gpu::Block()] = static_cast<float>(length);
  // Compares in float, like the backward pass, which clamps the stored norm.
  const double divisor = static_cast<float>(length) < kSmallestNorm ? 1e-12 : length;
  for (int64_t c = gpu::Thread(); c < cols; c += gpu::Threads())
    y.Store(row + c, static_cast<float>(x.Load(row + c) / divisor));
}

GPU_KERNEL L2NormalizeBackwardRow(AnyFloats dy, AnyFloats y, const float* norm, bool accumulate,
                                  int64_t cols, AnyFloats dx) {
  RowReducer reduce(gpu::Shared<RowShared>());
  const int64_t row = gpu::Block() * cols;
  const bool clamped = norm[gpu::Block()] < kSmallestNorm;
  const double dot = SumOfRow(reduce, cols, [&](int64_t c) {
    return static_cast<double>(y.Load(row + c)) * static_cast<double>(dy.Load(row + c));
  });
  const double projection = clamped ? 0.0 : dot;
  const double divisor = clamped ? 1e-12 : static_cast<double>(norm[gpu::Block()]);
  for (int64_t c = gpu::Thread(); c < cols; c += gpu::Threads()) {
    const double value = (dy.Load(row + c) - y.Load(row + c) * projection) / divisor;
    dx.Put(row + c, static_cast<float>(value), accumulate);
  }
}

GPU_KERNEL CopyColumnsElements(AnyFloats x, int64_t x_cols, bool accumulate, AnyFloats y,
                               int64_t y_cols, int64_t rows) {
  const int64_t cols = x_cols < y_cols ? x_cols : y_cols, i = ElementOfThread();
  if (i >= rows * cols) return;
  const int64_t row = i / cols, c = i % cols;
  y.Put(row * y_cols + c, x.Load(row * x_cols + c), accumulate);
}

GPU_KERNEL GatherRowsElements(AnyFloats x, const int32_t* index, int64_t n, int64_t cols,
                              AnyFloats y) {
  const int64_t i = ElementOfThread();
  if (i < n) y.Store(i, x.Load(index[i / cols] * cols + i % cols));
}

// One block a row of dx, which adds the rows of dy that belong to it in their order.
GPU_KERNEL GatherRowsBackwardRow(AnyFloats dy, const int32_t* index, int64_t picks, int64_t cols,
                                 AnyFloats dx) {
  const int64_t row = gpu::Block();
  for (int64_t c = gpu::Thread(); c < cols; c += gpu::Threads()) {
    float sum = dx.Load(row * cols + c);
    for (int64_t n = 0; n < picks; ++n) {
      if (index[n] == row) sum += dy.Load(n * cols + c);
    }
    dx.Store(row * cols + c, sum);
  }
}

GPU_KERNEL RowDotRow(AnyFloats a, AnyFloats b, int64_t cols, float* y) {
  RowReducer reduce(gpu::Shared<RowShared>());
  const int64_t row = gpu::Block() * cols;
  const double dot = SumOfRow(reduce, cols, [&](int64_t c) {
    return static_cast<double>(a.Load(row + c)) * static_cast<double>(b.Load(row + c));
  });
  if (gpu::Thread() == 0) y[gpu::Block()] = static_cast<float>(dot);
}

GPU_KERNEL RowScaleElements(AnyFloats x, const float* scale, bool accumulate, int64_t n,
                            int64_t cols, AnyFloats y) {
  const int64_t i = ElementOfThread();
  if (i < n) y.Put(i, scale[i / cols] * x.Load(i), accumulate);
}

GPU_KERNEL AbsDifferenceElements(AnyFloats a, AnyFloats b, int64_t n, AnyFloats y) {
  const int64_t i = ElementOfThread();
  if (i < n) y.Store(i, fabsf(a.Load(i) - b.Load(i)));
}

GPU_KERNEL AbsDifferenceBackwardElements(AnyFloats dy, AnyFloats a, AnyFloats b, int64_t n,
                                         AnyFloats da, AnyFloats db) {
  const int64_t i = ElementOfThread();
  if (i >= n) return;
  const float left = a.Load(i), right = b.Load(i);
  const float sign = left > right ? 1.0f : left < right ? -1.0f : 0.0f;
  const float g = dy.Load(i);
  da.Put(i, sign * g, true);
  db.Put(i, -sign * g, true);
}

// Value `d` of row x multiplied by 1 + i (direction 1) or 1 - i (direction -1), where the first half
// of a row holds real parts and the second half imaginary parts.
GPU_DEVICE double TurnedValue(AnyFloats x, int64_t row, int64_t d, int64_t cols, double direction) {
  const int64_t half = (cols + 1) / 2;
  const double value = x.Load(row + d);
  if (d >= half) return value + x.Load(row + d - half) * direction;
  return d + half < cols ? value - x.Load(row + d + half) * direction : value;
}

GPU_DEVICE double AngleSum(RowReducer& reduce, AnyFloats a, AnyFloats b, int64_t row,
                           int64_t cols) {
  return SumOfRow(reduce, cols,
                  [&](int64_t c) { return a.Load(row + c) * TurnedValue(b, row, c, cols, 1); });
}

GPU_KERNEL AngleRow(AnyFloats a, AnyFloats b, int64_t cols, float* y) {
  RowReducer reduce(gpu::Shared<RowShared>());
  const double sum = AngleSum(reduce, a, b, gpu::Block() * cols, cols);
  if (gpu::Thread() == 0) y[gpu::Block()] = static_cast<float>(fabs(sum));
}

GPU_KERNEL AngleBackwardRow(const float* dy, AnyFloats a, AnyFloats b, int64_t cols, AnyFloats da,
                            AnyFloats db) {
  RowReducer reduce(gpu::Shared<RowShared>());
  const int64_t row = gpu::Block() * cols;
  const double sum = AngleSum(reduce, a, b, row, cols);
  const double g = dy[gpu::Block()] * (sum > 0 ? 1.0 : sum < 0 ? -1.0 : 0.0);
  for (int64_t c = gpu::Thread(); c < cols; c += gpu::Threads()) {
    da.Store(row + c, static_cast<float>(g * TurnedValue(b, row, c, cols, 1)));
    db.Store(row + c, static_cast<float>(g * TurnedValue(a, row, c, cols, -1)));
  }
}

}  // namespace

void L2Normalize(Context& context, View x, View norm, View y) {
  LACOS_CHECK(y.Elements() == x.Elements(), "y has x's shape");
  gpu::Launch(context.stream(), GridOfRows(x.rows()), L2NormalizeRow, FloatsOf(x), x.cols(),
              F32Of(norm), FloatsOf(y));
}

void L2NormalizeBackward(Context& context, View dy, View y, View norm, bool accumulate, View dx) {
  LACOS_CHECK(dy.Elements() == dx.Elements() && y.Elements() == dx.Elements(), "dx has y's shape");
  gpu::Launch(context.stream(), GridOfRows(dx.rows()), L2NormalizeBackwardRow, FloatsOf(dy),
              FloatsOf(y), F32Of(norm), accumulate, dx.cols(), FloatsOf(dx));
}

void CopyColumns(Context& context, View x, bool accumulate, View y) {
  LACOS_CHECK(x.rows() == y.rows(), "x and y have the same rows");
  const int64_t cols = std::min(x.cols(), y.cols());
  gpu::Launch(context.stream(), GridOfElements(y.rows() * cols), CopyColumnsElements, FloatsOf(x),
              x.cols(), accumulate, FloatsOf(y), y.cols(), y.rows());
}

void GatherRows(Context& context, View x, View index, View y) {
  LACOS_CHECK(x.cols() == y.cols() && index.Elements() == y.rows(),
              "y [N, D] of x [U, D] and index [N]");
  gpu::Launch(context.stream(), GridOfElements(y.Elements()), GatherRowsElements, FloatsOf(x),
              I32Of(index), y.Elements(), y.cols(), FloatsOf(y));
}

void GatherRowsBackward(Context& context, View dy, View index, View dx) {
  LACOS_CHECK(dy.cols() == dx.cols() && index.Elements() == dy.rows(),
              "dx [U, D] of dy [N, D] and index [N]");
  gpu::Launch(context.stream(), GridOfRows(dx.rows()), GatherRowsBackwardRow, FloatsOf(dy),
              I32Of(index), dy.rows(), dx.cols(), FloatsOf(dx));
}

void RowDot(Context& context, View a, View b, View y) {
  LACOS_CHECK(a.Elements() == b.Elements() && y.Elements() == a.rows(), "y [N] of a, b [N, D]");
  gpu::Launch(context.stream(), GridOfRows(a.rows()), RowDotRow, FloatsOf(a), FloatsOf(b), a.cols(),
              F32Of(y));
}

void RowScale(Context& context, View x, View scale, bool accumulate, View y) {
  LACOS_CHECK(y.Elements() == x.Elements() && scale.Elements() == x.rows(),
              "y [N, D] of x [N, D] and scale [N]");
  gpu::Launch(context.stream(), GridOfElements(x.Elements()), RowScaleElements, FloatsOf(x),
              F32Of(scale), accumulate, x.Elements(), x.cols(), FloatsOf(y));
}

void AbsDifference(Context& context, View a, View b, View y) {
  LACOS_CHECK(a.Elements() == y.Elements() && b.Elements() == y.Elements(),
              "three tensors of one shape");
  gpu::Launch(context.stream(), GridOfElements(y.Elements()), AbsDifferenceElements, FloatsOf(a),
              FloatsOf(b), y.Elements(), FloatsOf(y));
}

void AbsDifferenceBackward(Context& context, View dy, View a, View b, View da, View db) {
  LACOS_CHECK(da.Elements() == dy.Elements() && db.Elements() == dy.Elements(),
              "gradients have dy's shape");
  gpu::Launch(context.stream(), GridOfElements(dy.Elements()), AbsDifferenceBackwardElements,
              FloatsOf(dy), FloatsOf(a), FloatsOf(b), dy.Elements(), FloatsOf(da), FloatsOf(db));
}

void AngleSimilarity(Context& context, View a, View b, View y) {
  LACOS_CHECK(a.Elements() == b.Elements() && y.Elements() == a.rows(), "y [N] of a, b [N, D]");
  gpu::Launch(context.stream(), GridOfRows(a.rows()), AngleRow, FloatsOf(a), FloatsOf(b), a.cols(),
              F32Of(y));
}

void AngleSimilarityBackward(Context& context, View dy, View a, View b, View da, View db) {
  LACOS_CHECK(a.Elements() == b.Elements() && dy.Elements() == a.rows(), "dy [N] of a, b [N, D]");
  LACOS_CHECK(da.Elements() == a.Elements() && db.Elements() == b.Elements(),
              "gradients have their inputs' shape");
  gpu::Launch(context.stream(), GridOfRows(a.rows()), AngleBackwardRow, F32Of(dy), FloatsOf(a),
              FloatsOf(b), a.cols(), FloatsOf(da), FloatsOf(db));
}

}  // namespace lacos::cuda
