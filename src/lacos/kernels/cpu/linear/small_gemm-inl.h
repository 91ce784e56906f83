// Products that are too small or too irregular in layout for panels: LoRA, attention, similarity,
// sums over tokens.
//
// Every element of C is one chain of fused multiply-adds over k in order, whatever the sizes and
// the position of its row. So the result of a row never depends on the number of rows. Columns come
// in whole vectors; callers pad them.
// whole vectors: callers pad.
#if defined(LACOS_KERNELS_CPU_SMALL_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LACOS_KERNELS_CPU_SMALL_GEMM_INL_H_
#undef LACOS_KERNELS_CPU_SMALL_GEMM_INL_H_
#else
#define LACOS_KERNELS_CPU_SMALL_GEMM_INL_H_
#endif

#include "lacos/kernels/cpu/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

// A matrix or its transpose: element (i, k) is data[i * row + k * column].
struct Strided {
  const float* data = nullptr;
  size_t row = 0;
  size_t column = 0;
};

// With two vectors of columns, 6 rows take 12 of the 16 registers of AVX2 as accumulators.
constexpr size_t kGemmRows = 6;
constexpr size_t kGemmColumns = 2 * kLanes;

// c [kRows, kVectors * kLanes] (+)= a [kRows, depth] b [depth, kVectors * kLanes].
template <size_t kRows, size_t kVectors>
HWY_INLINE void GemmBlock(size_t depth, Strided a, const float* HWY_RESTRICT b, size_t b_stride,
                          bool accumulate, float* HWY_RESTRICT c, size_t c_stride) {
  const DF d;
  VF sum[kRows][kVectors];
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t v = 0; v < kVectors; ++v) {
      sum[i][v] = accumulate ? hn::LoadU(d, c + i * c_stride + v * kLanes) : hn::Zero(d);
    }
  }
  for (size_t k = 0; k < depth; ++k) {
    VF column[kVectors];
    for (size_t v = 0; v < kVectors; ++v) column[v] = hn::LoadU(d, b + k * b_stride + v * kLanes);
    for (size_t i = 0; i < kRows; ++i) {
      const VF factor = hn::Set(d, a.data[i * a.row + k * a.column]);
      for (size_t v = 0; v < kVectors; ++v) sum[i][v] = hn::MulAdd(factor, column[v], sum[i][v]);
    }
  }
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t v = 0; v < kVectors; ++v) hn::StoreU(sum[i][v], d, c + i * c_stride + v * kLanes);
  }
}

template <size_t kVectors>
HWY_INLINE void GemmRows(size_t rows, size_t depth, Strided a, const float* b, size_t b_stride,
                         bool accumulate, float* c, size_t c_stride) {
  switch (rows) {
    case 6:
      return GemmBlock<6, kVectors>(depth, a, b, b_stride, accumulate, c, c_stride);
    case 5:
      return GemmBlock<5, kVectors>(depth, a, b, b_stride, accumulate, c, c_stride);
    case 4:
      return GemmBlock<4, kVectors>(depth, a, b, b_stride, accumulate, c, c_stride);
    case 3:
      return GemmBlock<3, kVectors>(depth, a, b, b_stride, accumulate, c, c_stride);
    case 2:
      return GemmBlock<2, kVectors>(depth, a, b, b_stride, accumulate, c, c_stride);
    default:
      return GemmBlock<1, kVectors>(depth, a, b, b_stride, accumulate, c, c_stride);
  }
}

// Computes one panel of columns, one or two vectors wide, for at most kGemmRows rows.
HWY_INLINE void GemmPanel(size_t rows, size_t columns, size_t depth, Strided a, const float* b,
                          size_t b_stride, bool accumulate, float* c, size_t c_stride) {
  if (columns > kLanes) {
    GemmRows<2>(rows, depth, a, b, b_stride, accumulate, c, c_stride);
  } else {
    GemmRows<1>(rows, depth, a, b, b_stride, accumulate, c, c_stride);
  }
}

// c [rows, columns] (+)= a [rows, depth] b [depth, columns]. `columns` is a multiple of kLanes.
inline HWY_ATTR void SmallGemm(size_t rows, size_t columns, size_t depth, Strided a, const float* b,
                               size_t b_stride, bool accumulate, float* c, size_t c_stride) {
  for (size_t n = 0; n < columns; n += kGemmColumns) {
    const size_t width = columns - n < kGemmColumns ? columns - n : kGemmColumns;
    for (size_t i = 0; i < rows; i += kGemmRows) {
      const size_t count = rows - i < kGemmRows ? rows - i : kGemmRows;
      GemmPanel(count, width, depth, {a.data + i * a.row, a.row, a.column}, b + n, b_stride,
                accumulate, c + i * c_stride + n, c_stride);
    }
  }
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
