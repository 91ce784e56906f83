#include "lacos/kernels/cpu/rows/token_sums.h"

#include <algorithm>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/cpu/tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/rows/token_sums.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, as Highway asks.
#include "lacos/kernels/cpu/linear/small_gemm-inl.h"

#ifndef LACOS_KERNELS_CPU_TOKEN_SUMS_CONSTANTS  // this file is read once for each instruction set
#define LACOS_KERNELS_CPU_TOKEN_SUMS_CONSTANTS
namespace lacos::cpu {
constexpr int64_t kBlockColumns = 64;  // a multiple of every target's kGemmColumns
constexpr int64_t kBlockRows = 48;
constexpr int64_t kChunkTokens = 128;  // packed columns of one chunk: 32 KB
}  // namespace lacos::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

static_assert(kBlockColumns % kGemmColumns == 0);

// c [rows, columns] (+)= a^T b for one chunk: a [tokens, kBlockRows], b [tokens, kBlockColumns]
// packed floats.
void AddChunkImpl(int64_t tokens, int64_t rows, int64_t columns, const float* a, const float* b,
                  bool accumulate, float* c) {
  const auto padded = static_cast<size_t>(RoundUp(columns, kLanes));
  SmallGemm(rows, padded, tokens, {a, 1, kBlockRows}, b, kBlockColumns, accumulate, c,
            kBlockColumns);
}

// y[c] += the sum of x[t, c] (times other[t, c]) over rows t of one leaf, for n columns.
void SumLeafImpl(ConstFloats x, ConstFloats other, int64_t rows, int64_t stride, int64_t n,
                 float* y) {
  const Floats fy = FloatsOf(y);
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR {
    VF sum = hn::Zero(DF());
    for (int64_t t = 0; t < rows; ++t) {
      const VF v = Load(x, t * stride + i, count);
      sum = other ? hn::MulAdd(v, Load(other, t * stride + i, count), sum) : hn::Add(sum, v);
    }
    Store(hn::Add(Load(ConstFloats(fy), i, count), sum), fy, i, count);
  });
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(AddChunkImpl);
HWY_EXPORT(SumLeafImpl);

namespace {

void CheckLeaves(const TokenLeaves& leaves, int64_t tokens) {
  LACOS_CHECK(!leaves.begin.empty() && leaves.begin.front() == 0 && leaves.begin.back() == tokens,
              "leaves cover all tokens");
}

// Rows [begin, end) and `count` columns of x [., stride] as floats with stride `packed_stride`.
void PackColumns(ConstFloats x, int64_t stride, int64_t begin, int64_t end, int64_t first,
                 int64_t count, int64_t packed_stride, float* packed) {
  for (int64_t t = begin; t < end; ++t) {
    ConvertFloats(x.At(t * stride + first), count, FloatsOf(packed + (t - begin) * packed_stride));
  }
}

}  // namespace

WorkspaceNeed TokenOuterNeed(View a, View b) {
  const int64_t p = a.cols(), q = b.cols();
  return {
      .thread = {kChunkTokens * kBlockColumns * sizeof(float),
                 kChunkTokens * kBlockRows * sizeof(float),
                 kBlockRows * kBlockColumns * sizeof(float)},
      .tasks = CeilDivide(std::max(p, q), kBlockColumns) * CeilDivide(std::min(p, q), kBlockRows)};
}

void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha, View y, Workspace& work) {
  const int64_t p = a.cols(), q = b.cols();
  LACOS_CHECK(a.rows() == b.rows() && y.rows() == p && y.cols() == q,
              "y [p, q] of a [T, p] and b [T, q]");
  CheckLeaves(leaves, a.rows());
  // The wider side lies along vectors; y is then written transposed if that is a's.
  const bool swapped = p > q;
  const ConstFloats wide = FloatsOf(swapped ? a : b), narrow = FloatsOf(swapped ? b : a);
  const int64_t wide_columns = std::max(p, q), narrow_columns = std::min(p, q);
  float* out = F32Of(y);
  // of y, along narrow and wide
  const int64_t row_step = swapped ? 1 : q, column_step = swapped ? q : 1;
  const int64_t column_blocks = CeilDivide(wide_columns, kBlockColumns);
  const auto scale = static_cast<float>(alpha);
  work.threads.Reserve();
  RunTasks(column_blocks * CeilDivide(narrow_columns, kBlockRows), [&](int64_t task) {
    const int64_t column = task % column_blocks * kBlockColumns,
                  row = task / column_blocks * kBlockRows;
    const int64_t columns = std::min(kBlockColumns, wide_columns - column);
    const int64_t rows = std::min(kBlockRows, narrow_columns - row);
    float* packed_wide = work.threads.Mine(0).F32(kChunkTokens * kBlockColumns);
    float* packed_narrow = work.threads.Mine(1).F32(kChunkTokens * kBlockRows);
    float* c = work.threads.Mine(2).F32(kBlockRows * kBlockColumns);
    for (int64_t leaf = 0; leaf < leaves.Count(); ++leaf) {
      const int64_t begin = leaves.begin[leaf], end = leaves.begin[leaf + 1];
      if (begin == end) continue;
      for (int64_t t = begin; t < end; t += kChunkTokens) {
        const int64_t stop = std::min(end, t + kChunkTokens);
        PackColumns(wide, wide_columns, t, stop, column, columns, kBlockColumns, packed_wide);
        PackColumns(narrow, narrow_columns, t, stop, row, rows, kBlockRows, packed_narrow);
        HWY_DYNAMIC_DISPATCH(AddChunkImpl)
        (stop - t, rows, columns, packed_narrow, packed_wide, t > begin, c);
      }
      for (int64_t i = 0; i < rows; ++i) {
        float* y_row = out + (row + i) * row_step + column * column_step;
        for (int64_t j = 0; j < columns; ++j)
          y_row[j * column_step] += scale * c[i * kBlockColumns + j];
      }
    }
  });
}

void TokenSum(View x, View other, const TokenLeaves& leaves, View y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(y.Elements() == cols, "y has one value for each column");
  LACOS_CHECK(!other || other.Elements() == x.Elements(), "both factors have one shape");
  CheckLeaves(leaves, x.rows());
  const ConstFloats fx = FloatsOf(x), fother = FloatsOf(other);
  float* out = F32Of(y);
  RunRanges(cols, kBlockColumns, [&](int64_t first, int64_t end) {
    for (int64_t leaf = 0; leaf < leaves.Count(); ++leaf) {
      const int64_t offset = leaves.begin[leaf] * cols + first;
      HWY_DYNAMIC_DISPATCH(SumLeafImpl)
      (fx.At(offset), fother.At(offset), leaves.begin[leaf + 1] - leaves.begin[leaf], cols,
       end - first, out + first);
    }
  });
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
