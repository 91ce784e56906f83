// The left rows of integer products: quantised to 8 bit, with a scale each, and widened to 16 bit
// for the products of int8_product.h and int8_stored.h.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// Sums stay below 2^31 up to this depth.
constexpr int64_t kInt8MaxDepth = 131072;

// The depth of packed weights and quantised rows: rounded up to a whole pair.
constexpr int64_t PairedDepth(int64_t depth) { return depth + depth % 2; }

// Codes from one quantised left row to the next. The same pieces of several long rows are used
// together, and at a distance of 4 KB they would all compete for the same few places of the
// first-level cache; an odd number of KB spreads them.
constexpr int64_t Int8LeftStride(int64_t depth) {
  return depth <= 1024 ? PairedDepth(depth) : (depth + 511) / 1024 * 1024 + 512;
}

// Products take multiples of so many rows; the rows that fill up the last group are zero.
constexpr int64_t kInt8RowGroup = 4;

// How products are multiplied; the sums are the same integers.
enum class Int8Multiply : uint8_t {
  kEach,
  // Winograd's inner product (A New Algorithm for Inner Product, IEEE Transactions on Computers
  // C-17, 1968): (a0 + b1) (a1 + b0) = a0 b0 + a1 b1 + a0 a1 + b0 b1. The last two terms, summed
  // over the depth, are the "surplus" of a row and of a column; each is computed once and
  // subtracted. This takes half the multiplications and twice the additions.
  kHalved,
};
// kHalved on CPUs with one unit that multiplies integers and several that add them (AMD's Zen, Zen+
// and Zen 2, where it is 1.28 times as fast), else kEach.
Int8Multiply BestInt8Multiply();
// The name of BestInt8Multiply() in `lacos info` and in ceilings.
const char* BestInt8MultiplyName();

// codes[i] = rint(x[i] * column_scale[i] * (127 / absmax)), half to even, for a row of n values
// whose largest is absmax, zero at n when n is odd; returns absmax / 127. column_scale may be null.
// A row whose absmax is below 4e-37 counts as zeros; one that is not finite gives zeros and the
// scale NaN, so that the products are NaN.
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int16_t* codes);
// The same codes as 8-bit numbers, for oneDNN; nothing is written behind them.
float QuantizeInt8Row(ConstFloats x, const float* column_scale, int64_t n, int8_t* codes);
// sums [columns] f32 = scale * (the 32-bit integers that lie there).
void ScaleInt8Sums(float scale, int64_t columns, float* sums);

// How the weight lies that left rows are multiplied with: packed for Int8Product or stored for
// Int8DotProduct.
enum class Int8Weight : uint8_t { kPacked, kStored };
// The negative surplus of a quantised row, or 0 where multiplications are not halved.
int32_t Int8RowSurplus(Int8Weight weight, const int16_t* codes, int64_t depth,
                       Int8Multiply multiply = BestInt8Multiply());

// The left rows of a product: rows is a multiple of kInt8RowGroup; codes [rows, depth] with
// Int8LeftStride(depth) codes a row, scale [rows], surplus [rows].
struct Int8Rows {
  const int16_t* codes = nullptr;
  const float* scale = nullptr;
  const int32_t* surplus = nullptr;
  int64_t rows = 0;
};

}  // namespace lacos::cpu
