// Exact integer products for every CPU: rows of 8-bit numbers times packed 8-bit weights, summed in 32 bit.
//
// The left rows are widened to 16 bit when they are quantised and the weights when they are loaded, so that a
// pair of products is one multiply-add instruction that cannot saturate (|code| <= 128, and 2 * 128^2 fits 32
// bit). On AVX2 that does two integer multiplications in the time of one f32 one; the 8-bit multiply-add of
// the same CPUs would do four, but sums pairs in 16 bit that saturate.
//
// A weight is packed in panels of PanelColumns() columns: [panel][pairs of the depth][column][2].
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// Sums stay below 2^31 up to this depth.
constexpr int64_t kInt8MaxDepth = 131072;

// The depth as packed weights and quantised rows have it: rounded up to a whole pair.
constexpr int64_t PairedDepth(int64_t depth) { return depth + depth % 2; }

// Codes from one quantised left row to the next. Pieces of long rows are used together, and at a distance of
// 4 KB they would all claim the same few places of the first-level cache: an odd number of KB spreads them.
constexpr int64_t Int8LeftStride(int64_t depth) {
  return depth <= 1024 ? PairedDepth(depth) : (depth + 511) / 1024 * 1024 + 512;
}

int64_t Int8PanelColumns();
// Left rows come in multiples of this, the last ones zero.
int64_t Int8RowGroup();
// Bytes of `columns` packed columns.
size_t Int8PackedBytes(int64_t columns, int64_t depth);

// Column c of the product is stored row c: a forward product's weight. `stride` is in codes.
void PackInt8Rows(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth, int8_t* packed);
// Column c of the product is stored column c: a backward product's weight [depth, columns].
void PackInt8Columns(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth, int8_t* packed);

// codes[i] = rint(x[i] * column_scale[i] * (127 / absmax)), half to even, for a row of n values whose largest
// is absmax, zero at n when n is odd; returns absmax / 127. column_scale may be null. A row whose absmax is
// below 4e-37 counts as zeros; one that is not finite gives zeros and the scale NaN, so that the products are
// NaN.
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int16_t* codes);
// The same codes as 8-bit numbers, for oneDNN; nothing is written behind them.
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int8_t* codes);
// sums [columns] f32 = scale * (the 32-bit integers that lie there).
void ScaleInt8Sums(float scale, int64_t columns, float* sums);

// sums [rows, columns] f32, contiguous = row_scale[row] * (exact integer sum). rows: a multiple of
// Int8RowGroup(); left [rows, depth] has Int8LeftStride(depth) codes a row; one thread.
void Int8Product(const int16_t* left, const float* row_scale, int64_t rows, const int8_t* packed,
                 int64_t columns, int64_t depth, float* sums);

// The same sums from stored codes [columns, depth] with `stride` codes a row, unpacked: for few rows, where
// packing would cost more than the product.
void Int8DotProduct(const int16_t* left, const float* row_scale, int64_t rows, const int8_t* codes,
                    int64_t stride, int64_t columns, int64_t depth, float* sums);

// 1e9 additions and multiplications a second of the product's inner loop in registers, on the calling thread.
double MeasureInt8MultiplyAdd();

}  // namespace lacos::cpu
