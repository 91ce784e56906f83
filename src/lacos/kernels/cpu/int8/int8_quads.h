// Integer products of few rows on CPUs that sum four 8-bit products in one instruction (AVX-512
// VNNI). The stored codes are read once, in the order in which they are stored. Packing them first
// would take as long as a dozen rows of the product.
//
// The instruction multiplies unsigned by signed numbers. So 128 is added to the left codes when
// they are stored, and 128 times the sum of a column's codes is subtracted again. Sums are computed
// modulo 2^32, and they are exact because the results fit in 32 bits (kInt8MaxDepth).
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// Whether this CPU has the instructions.
bool HasInt8Quads();

// The number of left rows is a multiple of this.
constexpr int64_t kInt8QuadGroup = 4;
// With more rows than this, packing is worth its time. So many rows take two passes over the
// codes, and the second pass reads them from the cache.
constexpr int64_t kInt8QuadRows = 24;

// Bytes from one left row to the next: whole cache lines and one more, so that the same column of
// several rows lies in different sets of the first-level cache.
constexpr int64_t Int8QuadStride(int64_t depth) { return (depth + 63) / 64 * 64 + 64; }

// Stores the codes of QuantizeInt8Row for n values, each plus 128, in Int8QuadStride(n) bytes.
// Returns the row's scale.
float QuantizeInt8QuadRow(ConstFloats x, int64_t n, uint8_t* codes);
// sums [rows, columns] f32, contiguous = row_scale[row] * (exact integer sum), with the same bytes
// as in Int8Product. `rows` is a multiple of kInt8QuadGroup; codes [columns, depth] have `stride`
// codes from row to row. Runs on one thread, and only if HasInt8Quads().
void Int8QuadProduct(const uint8_t* left, const float* row_scale, int64_t rows, const int8_t* codes,
                     int64_t stride, int64_t columns, int64_t depth, float* sums);

}  // namespace lacos::cpu
