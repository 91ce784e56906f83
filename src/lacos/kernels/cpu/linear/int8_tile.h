// One tile of an integer product: its left rows as codes, and its sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/kernels/cpu/floats.h"
#include "lacos/kernels/cpu/linear/tile_plan.h"

namespace lacos::cpu {

// The left rows of a tile, in a thread's scratch of plan.LeftBytes(tile) bytes.
struct Int8TileRows {
  Int8TileRows(const TilePlan& plan, float* scratch)
      : scale(scratch),
        surplus(reinterpret_cast<int32_t*>(scratch + plan.LeftScales())),
        codes(reinterpret_cast<std::byte*>(scratch + 2 * plan.LeftScales())) {}

  float* scale;      // [padded rows]
  int32_t* surplus;  // [padded rows]; written for 16-bit rows only
  std::byte* codes;  // [padded rows, plan.left_stride_bytes]
};

// Quantizes the tile's rows of `left` [plan.rows, plan.depth]. `column_scale` [depth] may be null.
void QuantizeTile(const TilePlan& plan, const Tile& tile, ConstFloats left,
                  const float* column_scale, const Int8TileRows& rows);

// Computes sums [padded rows, cols]. `weight` is the tile's part of the packed weight or of the stored
// codes.
void MultiplyInt8Tile(const TilePlan& plan, const Tile& tile, const Int8TileRows& rows,
                      const int8_t* weight, float* sums);

}  // namespace lacos::cpu
