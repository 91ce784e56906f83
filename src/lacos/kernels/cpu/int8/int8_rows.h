// The left rows of integer products: quantised to 8 bit, with a scale each, and widened to 16 bit
// for the products of int8_product.h and int8_stored.h.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// Sums stay below 2^31 up to this depth.
constexpr int64_t kInt8MaxDepth = 131072;

// The depth as packed weights and quantised rows have it: rounded up to a whole pair.
constexpr int64_t PairedDepth(int64_t depth) { return depth + depth % 2; }

// Codes from one quantised left row to the next. Pieces of long rows are used together, and at a
// distance of 4 KB they would all claim the same few places of the first-level cache: an odd number
// of KB spreads them.
constexpr int64_t Int8LeftStride(int64_t depth) {
  return depth <= 1024 ? PairedDepth(depth) : (depth + 511) / 1024 * 1024 + 512;
}

// Rows come in multiples of this, the last ones zero.
constexpr int64_t kInt8RowGroup = 4;

// How products are multiplied; the sums are the same integers.
enum class Int8Multiply : uint8_t {
  kEach,
  // Winograd's inner product (A New Algorithm for Inner Product, IEEE Transactions on Computers
  // C-17, 1968): (a0 + b1) (a1 + b0) has a0 b0 + a1 b1 in it, and beside it a0 a1 and b0 b1, which
  // a row or column needs but once: its "surplus", here negative. Half the multiplications for
  // twice the additions.
  kHalved,
};
// kHalved where one unit multiplies integers and several add them (AMD's Zen, Zen+, Zen 2: 1.28
// times as fast).
Int8Multiply BestInt8Multiply();
// What it is called in `lacos info` and the ceilings.
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

// How the weight lies that left rows are multiplied with: Int8Product's, Int8DotProduct's.
enum class Int8Weight : uint8_t { kPacked, kStored };
// The surplus of a quantised row; 0 where multiplications are not halved.
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
