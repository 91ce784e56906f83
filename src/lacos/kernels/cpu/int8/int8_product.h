// Exact integer products for every CPU: rows of 8-bit numbers times packed 8-bit weights, summed in
// 32 bit.
//
// The left rows are widened to 16 bit when they are quantized, and the weights when they are
// loaded. A pair of products is then one multiply-add instruction. It cannot saturate, because
// codes are at most 128 in magnitude and 2 * 128^2 fits in 32 bit. On AVX2 this makes two integer
// multiplications in the time of one f32 multiplication. The 8-bit multiply-add of the same CPUs
// would make four, but it sums pairs in 16 bit, which saturates.
//
// A weight is packed in panels of Int8PanelColumns() columns:
//   [panel]{[pairs of the depth][column][2] codes, [column] surplus in 32 bit}.
//
// On Zen 5 without VNNI, whose core has two multipliers, forward and backward matmuls of bloom-560m
// reach 85 to 89 % of the multiply-add in registers (`linear_bench --avx2`, 2,176 tokens).
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/kernels/cpu/int8/int8_rows.h"

namespace lacos::cpu {

int64_t Int8PanelColumns();
// Number of bytes in a packed column: its codes and its surplus.
constexpr size_t Int8ColumnBytes(int64_t depth) {
  return static_cast<size_t>(PairedDepth(depth)) + sizeof(int32_t);
}
// Number of bytes in `columns` packed columns. After whole panels the next panel begins here.
size_t Int8PackedBytes(int64_t columns, int64_t depth);

// Packs a weight for a forward product: column c of the product is stored row c. `stride` is in
// codes from row to row.
void PackInt8Rows(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                  int8_t* packed, Int8Multiply multiply = BestInt8Multiply());
// Packs a backward weight [depth, columns]: column c of the product is stored column c.
void PackInt8Columns(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                     int8_t* packed, Int8Multiply multiply = BestInt8Multiply());

// sums [rows, columns] f32, contiguous = (the row's scale) * (exact integer sum). Runs on one
// thread. `multiply` must be the mode that the weight was packed for and that the rows' surpluses
// were computed for.
void Int8Product(const Int8Rows& left, const int8_t* packed, int64_t columns, int64_t depth,
                 float* sums, Int8Multiply multiply = BestInt8Multiply());

// Measures the inner loop of the product in registers: 1e9 additions and multiplications per second
// on the calling thread.
double MeasureInt8MultiplyAdd();

}  // namespace lacos::cpu
