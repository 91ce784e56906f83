#include "lacos/kernels/cpu/linear/int8_tile.h"

#include <algorithm>
#include <optional>

#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/int8/int8_product.h"
#include "lacos/kernels/cpu/int8/int8_quads.h"
#include "lacos/kernels/cpu/int8/int8_stored.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"

namespace lacos::cpu {
namespace {

// Quantizes one row to codes and returns its scale.
float QuantizeRow(TileKernel kernel, ConstFloats x, const float* column_scale, int64_t depth,
                  std::byte* codes) {
  if (kernel == TileKernel::kInt8Quads) {
    LACOS_CHECK(column_scale == nullptr, "products of few rows are forward ones");
    return QuantizeInt8QuadRow(x, depth, reinterpret_cast<uint8_t*>(codes));
  }
  if (kernel == TileKernel::kInt8Panels) {
    return QuantizeInt8Row(x, column_scale, depth, reinterpret_cast<int8_t*>(codes));
  }
  return QuantizeInt8Row(x, column_scale, depth, reinterpret_cast<int16_t*>(codes));
}

}  // namespace

void QuantizeTile(const TilePlan& plan, const Tile& tile, ConstFloats left,
                  const float* column_scale, const Int8TileRows& rows) {
  const bool wide =
      plan.kernel == TileKernel::kInt8Packed || plan.kernel == TileKernel::kInt8Stored;
  const Int8Weight weight =
      plan.kernel == TileKernel::kInt8Packed ? Int8Weight::kPacked : Int8Weight::kStored;
  for (int64_t r = 0; r < tile.rows; ++r) {
    std::byte* codes = rows.codes + r * plan.left_stride_bytes;
    rows.scale[r] = QuantizeRow(plan.kernel, left.At((tile.row + r) * plan.depth), column_scale,
                                plan.depth, codes);
    if (wide) {
      rows.surplus[r] = Int8RowSurplus(weight, reinterpret_cast<const int16_t*>(codes), plan.depth);
    } else if (plan.kernel == TileKernel::kInt8Panels) {
      std::fill(codes + plan.depth, codes + plan.left_stride_bytes, std::byte{0});
      rows.surplus[r] = Int8PanelSurplus(reinterpret_cast<const int8_t*>(codes), plan.depth);
    }
  }
  std::fill(rows.scale + tile.rows, rows.scale + tile.padded_rows, 0.0f);
  std::fill(rows.surplus + tile.rows, rows.surplus + tile.padded_rows, 0);
  std::fill(rows.codes + tile.rows * plan.left_stride_bytes,
            rows.codes + tile.padded_rows * plan.left_stride_bytes, std::byte{0});
}

void MultiplyInt8Tile(const TilePlan& plan, const Tile& tile, const Int8TileRows& rows,
                      const int8_t* weight, float* sums) {
  if (plan.kernel == TileKernel::kInt8Quads) {
    return Int8QuadProduct(reinterpret_cast<const uint8_t*>(rows.codes), rows.scale,
                           tile.padded_rows, weight, plan.weight_stride, tile.cols, plan.depth,
                           sums);
  }
  if (plan.kernel == TileKernel::kInt8Panels) {
    std::optional<AmxScope> amx;
    if (plan.amx) amx.emplace();
    return Int8PanelProduct({reinterpret_cast<const int8_t*>(rows.codes), plan.left_stride_bytes,
                             rows.scale, rows.surplus, tile.padded_rows},
                            reinterpret_cast<const uint8_t*>(weight), tile.cols, plan.depth,
                            plan.amx, sums);
  }
  const Int8Rows left{reinterpret_cast<const int16_t*>(rows.codes), rows.scale, rows.surplus,
                      tile.padded_rows};
  if (plan.kernel == TileKernel::kInt8Stored) {
    return Int8DotProduct(left, weight, plan.weight_stride, tile.cols, plan.depth, sums);
  }
  LACOS_CHECK(plan.kernel == TileKernel::kInt8Packed, "the tile has integers");
  Int8Product(left, weight, tile.cols, plan.depth, sums);
}

}  // namespace lacos::cpu
