// The left rows of integer products: quantized to 8 bit with one scale for each row, and widened to
// 16 bit for the products of int8_product.h and int8_stored.h.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// Sums stay below 2^31 up to this depth.
constexpr int64_t kInt8MaxDepth = 131072;

// The depth of packed weights and quantized rows: rounded up to a whole number of pairs.
constexpr int64_t PairedDepth(int64_t depth) { return depth + depth % 2; }

// Codes from one quantized left row to the next. The same pieces of several long rows are used
// together, and at a distance of 4 KB they would all compete for the same few places of the
// first-level cache; an odd number of KB spreads them.
constexpr int64_t Int8LeftStride(int64_t depth) {
  return depth <= 1024 ? PairedDepth(depth) : (depth + 511) / 1024 * 1024 + 512;
}

// Number of rows that products process together. The last group is filled up with rows of zeros.
constexpr int64_t kInt8RowGroup = 4;

// The ways in which products multiply. The sums are the same integers.
enum class Int8Multiply : uint8_t {
  kEach,
  // Winograd's inner product (A New Algorithm for Inner Product, IEEE Transactions on Computers
  // C-17, 1968): (a0 + b1) (a1 + b0) = a0 b0 + a1 b1 + a0 a1 + b0 b1. The last two terms, summed
  // over the depth, are the "surplus" of a row and of a column; each is computed once and
  // subtracted. This takes half the multiplications and twice the additions.
  kHalved,
};
// Returns kHalved on CPUs with one unit that multiplies integers and several that add them (Zen,
// Zen+ and Zen 2 of AMD, where it is 1.28 times as fast), else kEach.
Int8Multiply BestInt8Multiply();
// The name of BestInt8Multiply() as `lacos info` and ceilings show it.
const char* BestInt8MultiplyName();

// codes[i] = rint(x[i] * column_scale[i] * (127 / absmax)), half to even, for a row of n values,
// where absmax is the largest magnitude. If n is odd, a zero is written at n. Returns absmax / 127.
// column_scale may be null. A row with an absmax below 4e-37 counts as zeros. A row with values
// that are not finite gives zeros and the scale NaN, so that the products are NaN.
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int16_t* codes);
// Stores the same codes as 8-bit numbers. Nothing is written after them.
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int8_t* codes);

// The form of the right-hand weight: packed for Int8Product, or as stored for Int8DotProduct.
enum class Int8Weight : uint8_t { kPacked, kStored };
// Returns the negative surplus of a quantized row, or 0 if multiplications are not halved.
int32_t Int8RowSurplus(Int8Weight weight, const int16_t* codes, int64_t depth,
                       Int8Multiply multiply = BestInt8Multiply());

// The left rows of a product. `rows` is a multiple of kInt8RowGroup; codes [rows, depth] have
// Int8LeftStride(depth) codes from row to row; scale [rows], surplus [rows].
struct Int8Rows {
  const int16_t* codes = nullptr;
  const float* scale = nullptr;
  const int32_t* surplus = nullptr;
  int64_t rows = 0;
};

}  // namespace lacos::cpu
