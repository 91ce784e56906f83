// Exact integer products for every CPU: rows of 8-bit numbers times packed 8-bit weights, summed in
// 32 bit.
//
// The left rows are widened to 16 bit when they are quantised and the weights when they are loaded,
// so that a pair of products is one multiply-add instruction that cannot saturate (|code| <= 128,
// and 2 * 128^2 fits 32 bit). On AVX2 that makes two integer multiplications in the time of one f32
// multiplication. The 8-bit multiply-add of the same CPUs would make four, but it sums pairs in 16
// bit, which saturates.
//
// A weight is packed in panels of Int8PanelColumns() columns: [panel]{[pairs of the
// depth][column][2] codes, [column] surplus in 32 bit}.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/kernels/cpu/int8/int8_rows.h"

namespace lacos::cpu {

int64_t Int8PanelColumns();
// Bytes of a packed column: its codes and its surplus.
constexpr size_t Int8ColumnBytes(int64_t depth) {
  return static_cast<size_t>(PairedDepth(depth)) + sizeof(int32_t);
}
// Bytes of `columns` packed columns. For whole panels, this is also where the next panel begins.
size_t Int8PackedBytes(int64_t columns, int64_t depth);

// Column c of the product is stored row c: a forward product's weight. `stride` is in codes.
void PackInt8Rows(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                  int8_t* packed, Int8Multiply multiply = BestInt8Multiply());
// Column c of the product is stored column c: a backward product's weight [depth, columns].
void PackInt8Columns(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                     int8_t* packed, Int8Multiply multiply = BestInt8Multiply());

// sums [rows, columns] f32, contiguous = the row's scale * (exact integer sum); one thread.
// `multiply` must be what the weight was packed for and the rows' surpluses were computed for.
void Int8Product(const Int8Rows& left, const int8_t* packed, int64_t columns, int64_t depth,
                 float* sums, Int8Multiply multiply = BestInt8Multiply());

// Additions and multiplications of the product's inner loop in registers, in 1e9 a second, on the
// calling thread.
double MeasureInt8MultiplyAdd();

}  // namespace lacos::cpu
