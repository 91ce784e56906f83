// The division of a product with a frozen weight into tiles, and the scratch that a tile needs from
// a thread. The loops that compute the tiles and the memory plan both use it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lacos/base/checked_math.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/int8/int8_product.h"
#include "lacos/kernels/cpu/linear/float_panels.h"
#include "lacos/kernels/cpu/linear/frozen_weights.h"

namespace lacos::cpu {

// The implementation that computes the sums of a tile. All integer kernels give the same bytes.
enum class TileKernel : uint8_t {
  kFloatPanels,  // in the product's type, packed weights (float_panels.h)
  kInt8Quads,    // 8-bit rows, stored codes (int8_quads.h)
  kInt8Panels,   // 8-bit rows, packed weights (int8_panels.h)
  kInt8Stored,   // 16-bit rows, stored codes (int8_stored.h)
  kInt8Packed    // 16-bit rows, packed weights (int8_product.h)
};

// How many rows go into one task. The last one's rows are filled up with rows of zeros to a multiple of
// `granularity`.
struct RowTiles {
  int64_t rows = 0, granularity = 1;
};

// One task of a product: some rows of the left matrix times the weight for some columns.
struct Tile {
  int64_t index = 0;        // position among the row tiles
  int64_t row = 0;          // first row
  int64_t rows = 0;         // rows of the left matrix
  int64_t padded_rows = 0;  // rows that are multiplied; those after `rows` are zero
  int64_t column = 0;       // first column
  int64_t cols = 0;
};

struct TilePlan {
  TileKernel kernel = TileKernel::kFloatPanels;
  PanelElement element = PanelElement::kF32;  // of float panels
  Orientation orientation = Orientation::kForward;
  int64_t rows = 0, depth = 0, columns = 0;  // left [rows, depth], result [rows, columns]
  int64_t tile_rows = 0;                     // rows in every row tile but the last
  int64_t last_padded_rows = 0;              // rows that are multiplied in the last row tile
  int64_t left_stride_bytes = 0;             // distance of the left rows in the scratch
  int64_t weight_stride = 0;                 // codes between stored rows of the weight
  bool piecewise = false;                    // each task packs its own part of the weight
  bool amx = false;  // panels are multiplied on tile registers (amx_panels.h)

  int64_t RowTiles() const { return CeilDivide(rows, tile_rows); }
  int64_t ColumnTiles() const { return CeilDivide(columns, kTileColumns); }
  Tile At(int64_t row_tile, int64_t column_tile) const;

  bool Integers() const { return kernel != TileKernel::kFloatPanels; }
  // Whether the kernel reads a packed copy of the weight.
  bool Packs() const {
    return !piecewise && (kernel == TileKernel::kInt8Packed || kernel == TileKernel::kInt8Panels ||
                          kernel == TileKernel::kFloatPanels);
  }
  // Bytes of so many packed columns, a whole number of tiles or all of them.
  size_t PackedBytes(int64_t some_columns) const {
    return !Packs()                            ? 0
           : kernel == TileKernel::kInt8Packed ? Int8PackedBytes(some_columns, depth)
           : kernel == TileKernel::kInt8Panels ? Int8PanelBytes(some_columns, depth)
                                               : FloatPanelBytes(element, some_columns, depth);
  }
  // The number of floats in each of two arrays before the left rows: the scales of integer rows,
  // then their surpluses.
  int64_t LeftScales() const { return Integers() ? RoundUp(tile_rows, 16) : 0; }
  size_t LeftBytes(const Tile& tile) const {
    return static_cast<size_t>(2 * LeftScales() * int64_t{sizeof(float)} +
                               RoundUp(tile.padded_rows * left_stride_bytes, sizeof(float)));
  }
  int64_t SumFloats(const Tile& tile) const { return tile.padded_rows * tile.cols; }
  // Bytes of the piece of the weight that a task packs for itself at a time.
  size_t WeightBytes() const {
    return piecewise ? static_cast<size_t>(FloatPanelWidth() * kPanelPieceUnits) * sizeof(uint32_t)
                     : 0;
  }
};

inline Tile TilePlan::At(int64_t row_tile, int64_t column_tile) const {
  const int64_t row = row_tile * tile_rows, column = column_tile * kTileColumns;
  const bool last = row + tile_rows >= rows;
  return {.index = row_tile,
          .row = row,
          .rows = std::min(tile_rows, rows - row),
          .padded_rows = last ? last_padded_rows : tile_rows,
          .column = column,
          .cols = std::min(kTileColumns, columns - column)};
}

}  // namespace lacos::cpu
