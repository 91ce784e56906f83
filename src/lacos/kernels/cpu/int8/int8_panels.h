// Integer products of many rows on CPUs that sum four 8-bit products in one instruction (vpdpbusd
// of AVX-512 VNNI and of AVX-VNNI): rows of 8-bit numbers times packed 8-bit weights.
//
// The instruction multiplies unsigned by signed numbers. So 128 is added to the weights when they
// are packed, and 128 times the sum of a row's codes, the row's surplus, is subtracted again. Sums
// are computed modulo 2^32, and they are exact because the results fit in 32 bits (kInt8MaxDepth).
//
// On Zen 5 (AVX-512), forward matmuls of bloom-560m reach 84 % and backward ones 77 to 81 % of the
// instruction in registers (`linear_bench`, 2,176 tokens); oneDNN's reached 80 % and 65 to 72 %.
//
// A weight is packed in panels of Int8PanelWidth() columns: [panel][depth / 4][column][4].
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/kernels/cpu/int8/int8_rows.h"

namespace lacos::cpu {

// Whether this CPU has the instruction for the vectors that Highway uses.
bool HasInt8Panels();

int64_t Int8PanelWidth();
// Number of bytes in `columns` packed columns. After whole panels the next panel begins here.
size_t Int8PanelBytes(int64_t columns, int64_t depth);

// Packs a weight for a forward product: column c of the product is stored row c. `stride` is in
// codes from row to row.
void PackInt8RowPanels(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                       uint8_t* packed);
// Packs a backward weight [depth, columns]: column c of the product is stored column c.
void PackInt8ColumnPanels(const int8_t* codes, int64_t stride, int64_t columns, int64_t depth,
                          uint8_t* packed);

// Returns the negative surplus of a row of n codes.
int32_t Int8PanelSurplus(const int8_t* codes, int64_t n);

// The left rows of a product. `rows` is a multiple of kInt8RowGroup; codes [rows, depth] have
// `stride` codes from row to row, with zeros from `depth` up to the next multiple of four.
struct Int8NarrowRows {
  const int8_t* codes = nullptr;
  int64_t stride = 0;
  const float* scale = nullptr;      // [rows]
  const int32_t* surplus = nullptr;  // [rows]
  int64_t rows = 0;
};

// sums [left.rows, columns] f32, contiguous = (the row's scale) * (exact integer sum), with the same
// bytes as in Int8Product. Runs on one thread, and only if HasInt8Panels(). With `amx`, it is computed by
// MultiplyAmxPanel, with its conditions.
void Int8PanelProduct(const Int8NarrowRows& left, const uint8_t* packed, int64_t columns,
                      int64_t depth, bool amx, float* sums);

// Measures vpdpbusd in registers: 1e9 additions and multiplications per second on the calling
// thread.
double MeasureInt8Quads();

}  // namespace lacos::cpu
