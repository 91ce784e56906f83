// Sums over tokens: y[p, q] += alpha a^T b, y[c] += the sum of x (times another matrix), leaf by leaf,
// into 64-bit integers (gradient_sum.h).
//
// Grid: one block of 128 threads for each leaf and 32 columns of the wider matrix (and eight of the
// narrower one). Each of the block's four warps sums a quarter of the leaf's tokens in order, a lane
// for each column; the quarters are added in order. So the sum of a leaf depends on its rows alone.
// The sums of leaves are added by integer atomics, whose order does not matter.
// Saves nothing. Bytes a token: the wider matrix once, the narrower one once for each 32 columns, from
// cache. FLOP: 2 p q a token. Share of the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/linear/token_sums.h"

#include "lacos/kernels/cuda/linear/floats.h"

namespace lacos::cuda {
namespace {

constexpr int kSumColumns = gpu::kWarp, kSumWarps = 4, kNarrow = 8;
constexpr int kSumThreads = kSumWarps * gpu::kWarp;

struct SumTarget {
  int64_t* fine = nullptr;
  int64_t* coarse = nullptr;
  float fine_limit = 0;
  int64_t coarse_limit = 0;
};

GPU_DEVICE bool IsMarkOf(int64_t coarse) {
  return coarse == INT64_MIN || coarse == INT64_MAX || coarse == -INT64_MAX;
}

// AddLeaf of gradient_sum.h, for several blocks at once. A mark replaces whatever is there, and is
// replaced by the mark of NaN alone, so that the order of the additions does not matter.
GPU_DEVICE void AddLeafAtomic(float value, const SumTarget& y, int64_t at) {
  constexpr double kFine = 0x1p52, kCoarse = 0x1p12;
  const uint32_t bits = gpu::Bits(value), magnitude = bits & 0x7FFFFFFFu;
  const double exact = value;
  if (gpu::FloatOf(magnitude) < y.fine_limit) {
    gpu::AtomicAdd(y.fine + at, gpu::RoundToInt(exact * kFine));
    return;
  }
  int64_t change = 0, mark = 0;
  if (magnitude < 0x7F800000u) {
    const double units = gpu::Round(exact * kCoarse);
    gpu::AtomicAdd(y.fine + at, gpu::RoundToInt((exact - units / kCoarse) * kFine));
    const double limit = static_cast<double>(y.coarse_limit);
    change = units >= limit    ? y.coarse_limit
             : units <= -limit ? -y.coarse_limit
                               : static_cast<int64_t>(units);
  } else {
    mark = magnitude > 0x7F800000u ? INT64_MIN : bits >> 31 == 0 ? INT64_MAX : -INT64_MAX;
  }
  int64_t old = gpu::AtomicExchangeIf(y.coarse + at, 0, 0);  // reads it
  for (;;) {
    int64_t next = 0;
    if (mark == 0) {
      next = IsMarkOf(old) ? old : old + change;
    } else {
      next = IsMarkOf(old) && old != mark ? INT64_MIN : mark;
    }
    const int64_t found = gpu::AtomicExchangeIf(y.coarse + at, old, next);
    if (found == old) return;
    old = found;
  }
}

// The part of a leaf that warp w sums.
struct TokenRange {
  int64_t begin = 0, end = 0;
};
GPU_DEVICE TokenRange RangeOfWarp(const int64_t* begins, int64_t leaf) {
  const int64_t begin = begins[leaf], end = begins[leaf + 1];
  const int64_t part = (end - begin + kSumWarps - 1) / kSumWarps;
  const int64_t from = begin + gpu::Warp() * part;
  return {from < end ? from : end, from + part < end ? from + part : end};
}

struct OuterArguments {
  DeviceFloats wide, narrow;
  int64_t wide_columns = 0, narrow_columns = 0;
  const int64_t* begins = nullptr;
  int64_t leaves = 0;
  float alpha = 1;
  // the place of (narrow column i, wide column j) in y
  int64_t narrow_step = 0, wide_step = 0;
  SumTarget y;
};

struct OuterShared {
  float sum[kSumWarps][kNarrow][kSumColumns];
};

GPU_KERNEL TokenOuterKernel(OuterArguments o) {
  auto& shared = gpu::Shared<OuterShared>();
  const int64_t wide_tiles = (o.wide_columns + kSumColumns - 1) / kSumColumns;
  const int64_t narrow_tiles = (o.narrow_columns + kNarrow - 1) / kNarrow;
  const int64_t column = gpu::Block() % wide_tiles * kSumColumns + gpu::Lane();
  const int64_t first = gpu::Block() / wide_tiles % narrow_tiles * kNarrow;
  const int64_t leaf = gpu::Block() / (wide_tiles * narrow_tiles);
  const TokenRange range = RangeOfWarp(o.begins, leaf);
  const auto count = static_cast<int>(o.narrow_columns - first < kNarrow ? o.narrow_columns - first
                                                                         : int64_t{kNarrow});
  const bool whole = count == kNarrow && o.narrow_columns % kNarrow == 0;
  float sum[kNarrow];
  GPU_UNROLL
  for (int i = 0; i < kNarrow; ++i) sum[i] = 0;
  if (column < o.wide_columns) {
    for (int64_t t = range.begin; t < range.end; ++t) {
      const float w = LoadValue(o.wide, t * o.wide_columns + column);
      float n[kNarrow];
      LoadEight(o.narrow, t * o.narrow_columns + first, whole, count, n);
      GPU_UNROLL
      for (int i = 0; i < kNarrow; ++i) sum[i] = gpu::Fma(n[i], w, sum[i]);
    }
  }
  GPU_UNROLL
  for (int i = 0; i < kNarrow; ++i) shared.sum[gpu::Warp()][i][gpu::Lane()] = sum[i];
  gpu::Barrier();
  if (column >= o.wide_columns) return;
  for (int i = gpu::Warp(); i < count; i += kSumWarps) {
    float total = shared.sum[0][i][gpu::Lane()];
    GPU_UNROLL
    for (int w = 1; w < kSumWarps; ++w) total += shared.sum[w][i][gpu::Lane()];
    AddLeafAtomic(o.alpha * total, o.y, (first + i) * o.narrow_step + column * o.wide_step);
  }
}

struct ColumnSumShared {
  float sum[kSumWarps][kSumColumns];
};

GPU_KERNEL TokenSumKernel(DeviceFloats x, DeviceFloats other, int64_t columns,
                          const int64_t* begins, SumTarget y) {
  auto& shared = gpu::Shared<ColumnSumShared>();
  const int64_t tiles = (columns + kSumColumns - 1) / kSumColumns;
  const int64_t column = gpu::Block() % tiles * kSumColumns + gpu::Lane();
  const TokenRange range = RangeOfWarp(begins, gpu::Block() / tiles);
  float sum = 0;
  if (column < columns) {
    for (int64_t t = range.begin; t < range.end; ++t) {
      const float v = LoadValue(x, t * columns + column);
      sum = other.data == nullptr ? sum + v
                                  : gpu::Fma(v, LoadValue(other, t * columns + column), sum);
    }
  }
  shared.sum[gpu::Warp()][gpu::Lane()] = sum;
  gpu::Barrier();
  if (gpu::Warp() != 0 || column >= columns) return;
  float total = shared.sum[0][gpu::Lane()];
  GPU_UNROLL
  for (int w = 1; w < kSumWarps; ++w) total += shared.sum[w][gpu::Lane()];
  AddLeafAtomic(total, y, column);
}

constexpr int kReadThreads = 128;

// ReadSum of gradient_sum.h.
GPU_KERNEL ReadGradientKernel(const int64_t* fine, const int64_t* coarse, int64_t n, float* y) {
  const int64_t i = gpu::Block() * kReadThreads + gpu::Thread();
  if (i >= n) return;
  const int64_t c = coarse[i];
  if (IsMarkOf(c)) {
    y[i] = gpu::FloatOf(c == INT64_MIN ? 0x7FC00000u : c > 0 ? 0x7F800000u : 0xFF800000u);
  } else {
    y[i] =
        static_cast<float>(static_cast<double>(c) / 0x1p12 + static_cast<double>(fine[i]) / 0x1p52);
  }
}

SumTarget TargetOf(const GradientSum& y, const TokenLeaves& leaves) {
  const LeafLimits limits(leaves.StepLeaves());
  return {I64Of(y.fine), I64Of(y.coarse), limits.fine, limits.coarse};
}

void CheckLeavesOf(const TokenLeaves& leaves, int64_t tokens) {
  LACOS_CHECK(!leaves.begin.empty() && leaves.begin.front() == 0 && leaves.begin.back() == tokens,
              "leaves cover all tokens");
}

}  // namespace

void TokenOuter(Context& context, View a, View b, const TokenLeaves& leaves, double alpha,
                const GradientSum& y) {
  const int64_t p = a.cols(), q = b.cols();
  LACOS_CHECK(a.rows() == b.rows() && y.fine.rows() == p && y.fine.cols() == q,
              "y [p, q] of a [T, p] and b [T, q]");
  CheckLeavesOf(leaves, a.rows());
  if (leaves.Count() == 0 || p == 0 || q == 0) return;
  const bool swapped = p > q;  // a is the wider matrix
  OuterArguments o{.wide = DeviceFloatsOf(swapped ? a : b),
                   .narrow = DeviceFloatsOf(swapped ? b : a),
                   .wide_columns = swapped ? p : q,
                   .narrow_columns = swapped ? q : p,
                   .begins = context.UploadTable(std::span<const int64_t>(leaves.begin)),
                   .leaves = leaves.Count(),
                   .alpha = static_cast<float>(alpha),
                   .narrow_step = swapped ? 1 : q,
                   .wide_step = swapped ? q : 1,
                   .y = TargetOf(y, leaves)};
  gpu::Launch(context.stream(),
              {.blocks = CeilDiv(o.wide_columns, kSumColumns) * CeilDiv(o.narrow_columns, kNarrow) *
                         o.leaves,
               .threads = kSumThreads},
              TokenOuterKernel, o);
}

void TokenSum(Context& context, View x, View other, const TokenLeaves& leaves,
              const GradientSum& y) {
  const int64_t columns = x.cols();
  LACOS_CHECK(y.fine.Elements() == columns, "y has one value for each column");
  LACOS_CHECK(!other || other.Elements() == x.Elements(), "both factors have one shape");
  CheckLeavesOf(leaves, x.rows());
  gpu::Launch(context.stream(),
              {.blocks = CeilDiv(columns, kSumColumns) * leaves.Count(), .threads = kSumThreads},
              TokenSumKernel, DeviceFloatsOf(x), DeviceFloatsOf(other), columns,
              context.UploadTable(std::span<const int64_t>(leaves.begin)), TargetOf(y, leaves));
}

void ReadGradient(Context& context, const GradientSum& sum, View y) {
  LACOS_CHECK(y.Elements() == sum.fine.Elements(), "one value for each sum");
  gpu::Launch(context.stream(),
              {.blocks = CeilDiv(y.Elements(), kReadThreads), .threads = kReadThreads},
              ReadGradientKernel, I64Of(sum.fine), I64Of(sum.coarse), y.Elements(), F32Of(y));
}

}  // namespace lacos::cuda
