#include "lacos/kernels/cpu/rows/token_sums.h"

#include <algorithm>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/cpu/ranges.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/rows/token_sums.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/linear/small_gemm-inl.h"

#ifndef LACOS_KERNELS_CPU_TOKEN_SUMS_CONSTANTS  // the file is read once for each instruction set
#define LACOS_KERNELS_CPU_TOKEN_SUMS_CONSTANTS
namespace lacos::cpu {
constexpr int64_t kBlockColumns = 64;  // a multiple of kGemmColumns on every target
constexpr int64_t kBlockRows = 48;
constexpr int64_t kChunkTokens = 128;  // the packed columns of one chunk have 32 KB
}  // namespace lacos::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

static_assert(kBlockColumns % kGemmColumns == 0);

// c [rows, columns] (+)= a^T b for one chunk: a [tokens, kBlockRows], b [tokens,
// kBlockColumns] packed floats.
void AddChunkImpl(int64_t tokens, int64_t rows, int64_t columns, const float* a, const float* b,
                  bool accumulate, float* c) {
  const auto padded = static_cast<size_t>(RoundUp(columns, kLanes));
  SmallGemm(rows, padded, tokens, {a, 1, kBlockRows}, b, kBlockColumns, accumulate, c,
            kBlockColumns);
}

// y[c] = the sum of x[t, c] (times other[t, c]) over rows t of one leaf, for n columns.
void SumLeafImpl(ConstFloats x, ConstFloats other, int64_t rows, int64_t stride, int64_t n,
                 float* y) {
  const Floats fy = FloatsOf(y);
  ForVectors(n, [&](size_t i, auto count) HWY_ATTR {
    VF sum = hn::Zero(DF());
    for (int64_t t = 0; t < rows; ++t) {
      const VF v = Load(x, t * stride + i, count);
      sum = other ? hn::MulAdd(v, Load(other, t * stride + i, count), sum) : hn::Add(sum, v);
    }
    Store(sum, fy, i, count);
  });
}

// Calls AddLeaf(scale * values[i]) for n consecutive elements of a sum.
//
// A value below the fine limit (1,024 at most) is x = hi 2^-21 + rest, where hi has 32 bits and the
// rest is at most 2^-22. Both parts are exact floats, and so is the rest in fine units, apart from
// the one rounding in the definition. So x 2^52 = hi 2^31 + lo needs no conversion between double
// and int64, which AVX2 lacks.
void AddLeafImpl(const float* values, size_t n, float scale, const LeafLimits& limits,
                 int64_t* fine, int64_t* coarse) {
  const auto one_by_one = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) AddLeaf(scale * values[i], limits, fine[i], coarse[i]);
  };
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR  // the scalar target has no half vectors
  const DF df;
  const hn::Half<DI> half;
  const hn::Repartition<int64_t, DI> wide;
  const auto add = [&](size_t at, auto hi, auto lo) HWY_ATTR {
    const auto units = hn::Add(hn::ShiftLeft<31>(hn::PromoteTo(wide, hi)), hn::PromoteTo(wide, lo));
    hn::StoreU(hn::Add(hn::LoadU(wide, fine + at), units), wide, fine + at);
  };
  for (; i + kLanes <= n; i += kLanes) {
    const VF x = hn::Mul(hn::Set(df, scale), hn::LoadU(df, values + i));
    if (!hn::AllTrue(df, hn::Lt(hn::Abs(x), hn::Set(df, limits.fine)))) {  // also true if x is NaN
      one_by_one(i, i + kLanes);
      continue;
    }
    const auto hi = hn::NearestInt(hn::Mul(x, hn::Set(df, 0x1p21f)));
    const VF rest = hn::Sub(x, hn::Mul(hn::ConvertTo(df, hi), hn::Set(df, 0x1p-21f)));
    const auto lo = hn::NearestInt(hn::Mul(rest, hn::Set(df, 0x1p52f)));
    add(i, hn::LowerHalf(half, hi), hn::LowerHalf(half, lo));
    add(i + kLanes / 2, hn::UpperHalf(half, hi), hn::UpperHalf(half, lo));
  }
#endif
  one_by_one(i, n);
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(AddChunkImpl);
HWY_EXPORT(SumLeafImpl);
HWY_EXPORT(AddLeafImpl);

namespace {

void CheckLeaves(const TokenLeaves& leaves, int64_t tokens) {
  LACOS_CHECK(!leaves.begin.empty() && leaves.begin.front() == 0 && leaves.begin.back() == tokens,
              "leaves cover all tokens");
}

// Copies rows [begin, end) and `count` columns of x [., stride], from column `first` on, as floats
// with stride `packed_stride`.
void PackColumns(ConstFloats x, int64_t stride, int64_t begin, int64_t end, int64_t first,
                 int64_t count, int64_t packed_stride, float* packed) {
  for (int64_t t = begin; t < end; ++t) {
    ConvertFloats(x.At(t * stride + first), count, FloatsOf(packed + (t - begin) * packed_stride));
  }
}

struct SumPointers {
  int64_t *fine, *coarse;
};

SumPointers PointersOf(const GradientSum& y) {
  LACOS_CHECK(y.fine.dtype == DType::kI64 && y.coarse.dtype == DType::kI64 &&
                  y.fine.Elements() == y.coarse.Elements(),
              "the CPU backend sums gradients as integers");
  return {reinterpret_cast<int64_t*>(y.fine.data), reinterpret_cast<int64_t*>(y.coarse.data)};
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

void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha, const GradientSum& y,
                Workspace& work) {
  const int64_t p = a.cols(), q = b.cols();
  LACOS_CHECK(a.rows() == b.rows() && y.fine.rows() == p && y.fine.cols() == q,
              "y [p, q] of a [T, p] and b [T, q]");
  CheckLeaves(leaves, a.rows());
  // The columns of the wider matrix are computed in vectors. If a is the wider one, the result is
  // the transpose of y and is transposed before it is added.
  const bool swapped = p > q;
  const ConstFloats wide = FloatsOf(swapped ? a : b), narrow = FloatsOf(swapped ? b : a);
  const int64_t wide_columns = std::max(p, q), narrow_columns = std::min(p, q);
  const SumPointers out = PointersOf(y);
  const LeafLimits limits(leaves.StepLeaves());
  const int64_t column_blocks = CeilDivide(wide_columns, kBlockColumns);
  const auto scale = static_cast<float>(alpha);
  work.threads.Reserve();
  ParallelFor(column_blocks * CeilDivide(narrow_columns, kBlockRows), [&](int64_t task) {
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
      const auto add = [&](const float* values, int64_t n, int64_t element) {
        HWY_DYNAMIC_DISPATCH(AddLeafImpl)
        (values, n, scale, limits, out.fine + element, out.coarse + element);
      };
      if (!swapped) {
        for (int64_t i = 0; i < rows; ++i)
          add(c + i * kBlockColumns, columns, (row + i) * q + column);
        continue;
      }
      // [columns, rows], in the buffer of the wide matrix, which is not read
      // again before the next leaf
      float* transposed = packed_wide;
      for (int64_t j = 0; j < columns; ++j) {
        for (int64_t i = 0; i < rows; ++i) transposed[j * rows + i] = c[i * kBlockColumns + j];
      }
      if (rows == q) {  // the transposed rows are contiguous in y
        add(transposed, columns * rows, column * q);
        continue;
      }
      for (int64_t j = 0; j < columns; ++j)
        add(transposed + j * rows, rows, (column + j) * q + row);
    }
  });
}

void TokenSum(View x, View other, const TokenLeaves& leaves, const GradientSum& y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(y.fine.Elements() == cols, "y has one value for each column");
  LACOS_CHECK(!other || other.Elements() == x.Elements(), "both factors have one shape");
  CheckLeaves(leaves, x.rows());
  const ConstFloats fx = FloatsOf(x), fother = FloatsOf(other);
  const SumPointers out = PointersOf(y);
  const LeafLimits limits(leaves.StepLeaves());
  RunRanges(cols, kBlockColumns, [&](int64_t first, int64_t end) {
    float sums[kBlockColumns];
    for (int64_t leaf = 0; leaf < leaves.Count(); ++leaf) {
      const int64_t offset = leaves.begin[leaf] * cols + first;
      HWY_DYNAMIC_DISPATCH(SumLeafImpl)
      (fx.At(offset), fother.At(offset), leaves.begin[leaf + 1] - leaves.begin[leaf], cols,
       end - first, sums);
      HWY_DYNAMIC_DISPATCH(AddLeafImpl)
      (sums, end - first, 1, limits, out.fine + first, out.coarse + first);
    }
  });
}

void ReadGradient(const GradientSum& sum, View y) {
  const SumPointers in = PointersOf(sum);
  LACOS_CHECK(y.Elements() == sum.fine.Elements(), "one value for each sum");
  float* out = F32Of(y);
  RunRanges(y.Elements(), RowGrain(1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = ReadSum(in.fine[i], in.coarse[i]);
  });
}

}  // namespace lacos::cpu
#endif  // HWY_ONCE
