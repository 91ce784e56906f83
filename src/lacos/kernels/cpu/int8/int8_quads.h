// Integer products of few rows on CPUs that sum four 8-bit products in one instruction (AVX-512
// VNNI): the stored codes are read once, as they lie. oneDNN would first copy them into its own
// order, which takes as long as a dozen rows of the product.
//
// The instruction multiplies unsigned by signed numbers, so left codes are stored with 128 added,
// and 128 times the sum of a column's codes is subtracted again. Sums are exact modulo 2^32, and
// exact because they fit (kInt8MaxDepth).
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// Whether this CPU has the instructions.
bool HasInt8Quads();

// Left rows come in multiples of this.
constexpr int64_t kInt8QuadGroup = 4;
// With more rows oneDNN's copy is worth its time. So many rows are two passes over the codes, of
// which the second reads the cache.
constexpr int64_t kInt8QuadRows = 24;

// Bytes from one left row to the next: whole cache lines and one more, so that the same place of
// several rows lies in different sets of the first-level cache.
constexpr int64_t Int8QuadStride(int64_t depth) { return (depth + 63) / 64 * 64 + 64; }

// QuantizeInt8Row's codes of n values, each plus 128, in Int8QuadStride(n) bytes; returns the row's
// scale.
float QuantizeInt8QuadRow(ConstFloats x, int64_t n, uint8_t* codes);
// sums [rows, columns] f32, contiguous = row_scale[row] * (exact integer sum), the same bytes as
// Int8Product's. rows: a multiple of kInt8QuadGroup; codes [columns, depth] with `stride` codes a
// row; one thread. Only where HasInt8Quads().
void Int8QuadProduct(const uint8_t* left, const float* row_scale, int64_t rows, const int8_t* codes,
                     int64_t stride, int64_t columns, int64_t depth, float* sums);

}  // namespace lacos::cpu
