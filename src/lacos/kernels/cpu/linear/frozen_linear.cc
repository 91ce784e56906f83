#include "lacos/kernels/cpu/linear/frozen_linear.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/int8/int8_product.h"
#include "lacos/kernels/cpu/int8/int8_quads.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"
#include "lacos/kernels/cpu/linear/cpu_products.h"
#include "lacos/kernels/cpu/linear/epilogue.h"
#include "lacos/kernels/cpu/linear/float_panels.h"
#include "lacos/kernels/cpu/ranges.h"
#include "lacos/kernels/lora_segments.h"

namespace lacos::cpu {
namespace {

constexpr int64_t kInt8TileRows = 128;
// A multiple of the 12 rows (6 on AVX2) that Int8PanelProduct computes together.
constexpr int64_t kInt8PanelTileRows = 192;
constexpr int64_t kFloatPanelTileRows = 192;  // for the same reason
constexpr int64_t kAmxTileRows = 384;         // a multiple of the 32 rows of a block
// Forward products of up to this many rows read the stored codes. Packing the codes costs as much
// as about 12 rows of the product.
constexpr int64_t kInt8UnpackedRows = 48;

// The scratch blocks of each thread.
enum Slot { kLeft, kSums, kLora, kWeight };

}  // namespace

// The rows of x or dy. In the backward pass of row-scaled codes each column has a scale, which is
// multiplied in before rounding.
struct FrozenLinear::Operand {
  ConstFloats values;  // [rows, depth]
  int64_t rows = 0;
  const float* column_scale = nullptr;  // [depth]
};

ProductType FrozenLinear::ChooseType(Compute compute) {
  if (compute == Compute::kF32) return ProductType::kF32;
  if (compute == Compute::kInt8) return ProductType::kInt8;
  return BF16PairsAllowed() ? ProductType::kBF16 : ProductType::kBF16Emulated;
}

FrozenLinear::FrozenLinear(Compute compute, Workspace& work, Int8Choice int8)
    : work_(work),
      type_(ChooseType(compute)),
      int8_by_quads_(type_ == ProductType::kInt8 && int8 != Int8Choice::kPacked &&
                     Int8QuadsAllowed()),
      amx_(type_ == ProductType::kInt8 ? int8 == Int8Choice::kBest && int8_by_quads_ && AmxAllowed()
                                       : type_ == ProductType::kBF16 && AmxAllowed()),
      tiles_(ChooseTiles()),
      weights_(type_) {}

RowTiles FrozenLinear::ChooseTiles() const {
  if (amx_) return {.rows = kAmxTileRows, .granularity = kAmxRowGroup};
  if (type_ != ProductType::kInt8)
    return {.rows = kFloatPanelTileRows, .granularity = kFloatRowGroup};
  return {.rows = int8_by_quads_ ? kInt8PanelTileRows : kInt8TileRows,
          .granularity = kInt8RowGroup};
}

std::string FrozenLinear::Describe() const {
  const char* type = type_ == ProductType::kF32    ? "f32"
                     : type_ == ProductType::kBF16 ? "bf16"
                     : type_ == ProductType::kInt8
                         ? "int8"
                         : "bf16 emulated (bf16-rounded inputs, f32 products)";
  const std::string sums =
      type_ == ProductType::kInt8
          ? fmt::format("{}, exact 32-bit sums", amx_             ? "AMX"
                                                 : int8_by_quads_ ? "vpdpbusd"
                                                                  : BestInt8MultiplyName())
      : amx_ ? "AMX, sums in the order of the depth, 32 numbers at a time"
             : "own kernels, sums in the order of the depth";
  const bool quads = KernelFor(1, Orientation::kForward) == TileKernel::kInt8Quads;
  return fmt::format(
      "linear {}: {}, tiles of {} rows (last one a multiple of {}) by {} columns{}", type, sums,
      tiles_.rows, tiles_.granularity, kTileColumns,
      quads ? fmt::format("; up to {} rows: stored codes, vpdpbusd", kInt8QuadRows) : "");
}

TileKernel FrozenLinear::KernelFor(int64_t rows, Orientation orientation) const {
  const bool forward = orientation == Orientation::kForward;
  if (type_ != ProductType::kInt8) return TileKernel::kFloatPanels;
  const bool wide_quads = int8_by_quads_ && HasInt8Quads();
  if (forward && wide_quads && rows <= kInt8QuadRows) return TileKernel::kInt8Quads;
  if (forward && !wide_quads && rows <= kInt8UnpackedRows) return TileKernel::kInt8Stored;
  return int8_by_quads_ ? TileKernel::kInt8Panels : TileKernel::kInt8Packed;
}

TilePlan FrozenLinear::Plan(int64_t rows, WeightId weight, Orientation orientation) const {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  const bool forward = orientation == Orientation::kForward;
  TilePlan plan{.kernel = KernelFor(rows, orientation),
                .element = weights_.Panels(),
                .orientation = orientation,
                .rows = rows,
                .depth = forward ? m.cols : m.rows,
                .columns = forward ? m.rows : m.cols,
                .tile_rows = tiles_.rows};
  plan.amx =
      amx_ && (plan.kernel == TileKernel::kFloatPanels || plan.kernel == TileKernel::kInt8Panels);
  if (rows == 0) return plan;
  const int64_t row_tiles = plan.RowTiles();
  const int64_t last = rows - (row_tiles - 1) * tiles_.rows;
  plan.last_padded_rows =
      RoundUp(last, plan.kernel == TileKernel::kInt8Quads ? kInt8QuadGroup : tiles_.granularity);
  // If there is only one tile of rows, it uses each weight once. Then the weight is packed piece by
  // piece in cache and does not pass through memory.
  plan.piecewise = row_tiles == 1 && (!plan.Integers() || plan.amx);
  if (!plan.Integers()) {
    plan.left_stride_bytes = FloatPanelStride(plan.element, plan.depth);
    return plan;
  }
  LACOS_CHECK(plan.depth <= kInt8MaxDepth, "integer sums fit in 32 bit");
  plan.weight_stride = m.cols;
  plan.left_stride_bytes =
      plan.kernel == TileKernel::kInt8Quads || plan.kernel == TileKernel::kInt8Panels
          ? Int8QuadStride(plan.depth)
          : Int8LeftStride(plan.depth) * int64_t{sizeof(int16_t)};
  return plan;
}

WorkspaceNeed FrozenLinear::Need(View x, WeightId weight, Orientation orientation, int64_t rank) {
  const TilePlan plan = Plan(x.rows(), weight, orientation);
  const int64_t row_tiles = plan.RowTiles();
  WorkspaceNeed need{.tasks = row_tiles * plan.ColumnTiles()};
  if (row_tiles == 0) return need;
  for (const int64_t row_tile : {int64_t{0}, row_tiles - 1}) {
    const Tile tile = plan.At(row_tile, 0);
    need.thread[kLeft] = std::max(need.thread[kLeft], plan.LeftBytes(tile));
    need.thread[kSums] =
        std::max(need.thread[kSums], static_cast<size_t>(plan.SumFloats(tile)) * sizeof(float));
    need.thread[kLora] = static_cast<size_t>(rank * tile.cols) * sizeof(float);
    need.thread[kWeight] = plan.WeightBytes();
  }
  need.encoded = plan.Integers() ? weights_.EncodedBytes(weight) : 0;
  need.packed = plan.PackedBytes(plan.columns);
  return need;
}

const void* FrozenLinear::LeftTile(const TilePlan& plan, const Operand& left, const Tile& tile,
                                   std::vector<int64_t>& held) {
  std::byte* scratch = work_.threads.Mine(kLeft).Bytes(plan.LeftBytes(tile));
  int64_t& mine = held[ThreadIndex()];
  if (mine == tile.index) return scratch;
  if (plan.Integers()) {
    QuantizeTile(plan, tile, left.values, left.column_scale,
                 {plan, reinterpret_cast<float*>(scratch)});
  } else {
    const bool bf16 = type_ == ProductType::kBF16;
    const int64_t used = plan.depth * (bf16 ? 2 : 4);
    for (int64_t r = 0; r < tile.rows; ++r) {
      std::byte* const row = scratch + r * plan.left_stride_bytes;
      ConvertScaled(left.values.At((tile.row + r) * plan.depth), left.column_scale,
                    type_ != ProductType::kF32, plan.depth, {row, bf16});
      // the second half of an odd pair is a zero
      std::fill(row + used, row + plan.left_stride_bytes, std::byte{0});
    }
    std::fill(scratch + tile.rows * plan.left_stride_bytes,
              scratch + tile.padded_rows * plan.left_stride_bytes, std::byte{0});
  }
  mine = tile.index;
  return scratch;
}

namespace {

// Calls f(tile) for all tiles. While there are row tiles for every thread, one thread computes all
// columns of a row tile, so that its rows are converted once. The last row tiles are divided among
// the threads by columns.
template <class F>
void RunTileTasks(const TilePlan& plan, F&& f) {
  const int64_t row_tiles = plan.RowTiles(), column_tiles = plan.ColumnTiles();
  const int64_t alone = (row_tiles - 1) / ThreadCount() * ThreadCount();
  ParallelFor(alone + (row_tiles - alone) * column_tiles, [&](int64_t task) {
    if (task < alone) {
      for (int64_t column = 0; column < column_tiles; ++column) f(plan.At(task, column));
    } else {
      f(plan.At(alone + (task - alone) / column_tiles, (task - alone) % column_tiles));
    }
  });
}

// Calls f(column, columns, unit, begin, depth) for each piece of the panels of some columns: its
// columns, its first unit in the panel, and its part of the depth.
template <class F>
void ForPanelPieces(const TilePlan& plan, int64_t all_columns, F&& f) {
  const int64_t per_unit = plan.Integers() ? 4 : plan.element == PanelElement::kBF16 ? 2 : 1;
  const int64_t width = plan.Integers() ? Int8PanelWidth() : FloatPanelWidth();
  for (int64_t column = 0; column < all_columns; column += width) {
    for (int64_t begin = 0; begin < plan.depth; begin += kPanelPieceUnits * per_unit) {
      f(column, std::min(width, all_columns - column), begin / per_unit, begin,
        std::min(kPanelPieceUnits * per_unit, plan.depth - begin));
    }
  }
}

}  // namespace

template <class Finish>
void FrozenLinear::RunTiles(const Operand& left, WeightId weight, Orientation orientation,
                            const Finish& finish) {
  if (left.rows == 0) return;
  TilePlan plan = Plan(left.rows, weight, orientation);
  work_.threads.Reserve();
  std::vector<int64_t> held(static_cast<size_t>(ThreadCount()), -1);
  const bool forward = orientation == Orientation::kForward;
  if (IsPacked(weight, orientation)) plan.piecewise = false;

  if (!plan.Integers()) {
    const std::byte* packed = plan.Packs() ? PackWhole(plan, weight, orientation) : nullptr;
    const float* scale = forward ? weights_.RowScale(weight) : nullptr;
    RunTileTasks(plan, [&](const Tile& tile) {
      const void* rows = LeftTile(plan, left, tile, held);
      const float* sums = MultiplyPanelTile(plan, tile, rows, weight, packed);
      finish(tile, sums, scale == nullptr ? nullptr : scale + tile.column);
    });
    return;
  }

  const auto* packed = reinterpret_cast<const int8_t*>(
      plan.Packs() ? PackWhole(plan, weight, orientation) : nullptr);
  const RowCodes stored = weights_.Codes(weight);
  RunTileTasks(plan, [&](const Tile& tile) {
    const void* rows = LeftTile(plan, left, tile, held);
    const Int8TileRows parts(plan, static_cast<float*>(const_cast<void*>(rows)));
    const int8_t* codes = packed != nullptr
                              ? packed + plan.PackedBytes(tile.column)
                              : stored.codes + tile.column * (forward ? plan.weight_stride : 1);
    float* sums = nullptr;
    if (plan.piecewise) {
      sums = MultiplyCodePieces(plan, tile, parts, codes);
    } else {
      sums = work_.threads.Mine(kSums).F32(plan.SumFloats(tile));
      MultiplyInt8Tile(plan, tile, parts, codes, sums);
    }
    finish(tile, sums, forward ? stored.row_scale + tile.column : nullptr);
  });
}

float* FrozenLinear::MultiplyPanelTile(const TilePlan& plan, const Tile& tile, const void* left,
                                       WeightId weight, const std::byte* packed) {
  float* sums = work_.threads.Mine(kSums).F32(plan.SumFloats(tile));
  const auto* rows = static_cast<const std::byte*>(left);
  const PanelElement element = plan.element;
  std::optional<AmxScope> amx;
  if (plan.amx) amx.emplace();
  if (packed != nullptr) {
    MultiplyPanels(element, plan.amx, rows, plan.left_stride_bytes, tile.padded_rows,
                   packed + plan.PackedBytes(tile.column), tile.cols, plan.depth, sums);
    return sums;
  }
  auto* const piece =
      reinterpret_cast<uint32_t*>(work_.threads.Mine(kWeight).Bytes(plan.WeightBytes()));
  ForPanelPieces(plan, tile.cols,
                 [&](int64_t column, int64_t columns, int64_t unit, int64_t begin, int64_t depth) {
                   weights_.PackPiece(weight, plan.orientation, tile.column + column, columns,
                                      begin, depth, piece);
                   MultiplyPanel({.element = element,
                                  .amx = plan.amx,
                                  .left = rows + unit * 4,
                                  .left_stride = plan.left_stride_bytes,
                                  .rows = tile.padded_rows,
                                  .panel = piece,
                                  .units = PanelUnits(element, depth),
                                  .first = unit == 0,
                                  .sums = sums + column,
                                  .sums_stride = tile.cols,
                                  .columns = columns});
                 });
  return sums;
}

float* FrozenLinear::MultiplyCodePieces(const TilePlan& plan, const Tile& tile,
                                        const Int8TileRows& left, const int8_t* codes) {
  float* sums = work_.threads.Mine(kSums).F32(plan.SumFloats(tile));
  std::byte* const piece = work_.threads.Mine(kWeight).Bytes(plan.WeightBytes());
  const bool forward = plan.orientation == Orientation::kForward;
  const int64_t stride = plan.weight_stride;
  const AmxScope amx;
  ForPanelPieces(plan, tile.cols,
                 [&](int64_t column, int64_t columns, int64_t unit, int64_t begin, int64_t depth) {
                   const bool last = begin + depth == plan.depth;
                   const auto pack = forward ? PackInt8RowPanels : PackInt8ColumnPanels;
                   pack(codes + (forward ? column * stride + begin : begin * stride + column),
                        stride, columns, depth, reinterpret_cast<uint8_t*>(piece));
                   MultiplyAmxPanel({.element = AmxElement::kInt8,
                                     .left = left.codes + begin,
                                     .left_stride = plan.left_stride_bytes,
                                     .rows = tile.padded_rows,
                                     .panel = reinterpret_cast<const uint32_t*>(piece),
                                     .units = CeilDivide(depth, int64_t{4}),
                                     .first = unit == 0,
                                     .sums = sums + column,
                                     .sums_stride = tile.cols,
                                     .columns = columns,
                                     .scale = last ? left.scale : nullptr,
                                     .surplus = last ? left.surplus : nullptr});
                 });
  return sums;
}

const std::byte* FrozenLinear::PackWhole(const TilePlan& plan, WeightId weight,
                                         Orientation orientation) {
  const bool is_packed = IsPacked(weight, orientation);
  if (!is_packed) packed_weight_ = -1;  // also if there is no memory for this one
  std::byte* packed = packed_.Bytes(plan.PackedBytes(plan.columns));
  if (is_packed) return packed;
  const bool panels = !plan.Integers();
  const int8_t* codes = panels ? nullptr : weights_.Codes(weight).codes;
  const bool forward = orientation == Orientation::kForward;
  const int64_t depth = plan.depth, stride = plan.weight_stride;
  RunRanges(plan.columns, kTileColumns, [&](int64_t begin, int64_t end) {
    std::byte* tile = packed + plan.PackedBytes(begin);
    if (panels) {
      const int64_t width = FloatPanelWidth(), units = PanelUnits(plan.element, depth);
      auto* const first = reinterpret_cast<uint32_t*>(tile);
      ForPanelPieces(
          plan, end - begin,
          [&](int64_t column, int64_t columns, int64_t unit, int64_t from, int64_t some) {
            weights_.PackPiece(weight, orientation, begin + column, columns, from, some,
                               first + column * units + unit * width);
          });
      return;
    }
    const int8_t* from = codes + begin * (forward ? stride : 1);
    if (plan.kernel == TileKernel::kInt8Panels) {
      const auto pack = forward ? PackInt8RowPanels : PackInt8ColumnPanels;
      pack(from, stride, end - begin, depth, reinterpret_cast<uint8_t*>(tile));
    } else {
      const auto pack = forward ? PackInt8Rows : PackInt8Columns;
      pack(from, stride, end - begin, depth, reinterpret_cast<int8_t*>(tile), BestInt8Multiply());
    }
  });
  packed_weight_ = weight;
  packed_orientation_ = orientation;
  return packed;
}

namespace {

// The columns [first, first + cols) of the transpose of lora_b [out, rank], as a tile [rank, cols].
const float* LoraBTile(const float* b, int64_t rank, int64_t first, int64_t cols, float* tile) {
  for (int64_t c = 0; c < cols; ++c) {
    for (int64_t r = 0; r < rank; ++r) tile[r * cols + c] = b[(first + c) * rank + r];
  }
  return tile;
}

// The columns [first, first + cols) of lora_a [rank, in], as a tile [rank, cols].
const float* LoraATile(const float* a, int64_t in, int64_t rank, int64_t first, int64_t cols,
                       float* tile) {
  for (int64_t r = 0; r < rank; ++r) {
    std::memcpy(tile + r * cols, a + r * in + first, static_cast<size_t>(cols) * sizeof(float));
  }
  return tile;
}

}  // namespace

void FrozenLinear::Forward(View x, WeightId weight, const Epilogue& epilogue, View y) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  LACOS_CHECK(x.cols() == m.cols && y.cols() == m.rows && x.rows() == y.rows(),
              "y [T, out] = x [T, in] W^T");
  const Epilogue& e = epilogue;
  CheckSegments(e.lora, x.rows());
  for (const LoraSegment& lora : e.lora) {
    LACOS_CHECK(lora.b.rows() == m.rows && lora.b.cols() == lora.z.cols(), "LoRA's B is [out, R]");
  }
  const ConstFloats bias = FloatsOf(e.bias), residual = FloatsOf(e.residual);
  const Floats saved = FloatsOf(e.saved_gelu), out = FloatsOf(y);
  const Operand left{FloatsOf(x), x.rows()};
  RunTiles(left, weight, Orientation::kForward,
           [&](const Tile& t, const float* sums, const float* scale) {
             ForEachSegment(e.lora, t.row, t.row + t.rows,
                            [&](int64_t begin, int64_t end, const LoraSegment* lora) {
                              const int64_t at = begin * m.rows + t.column;
                              ForwardTile tile{.rows = end - begin,
                                               .cols = t.cols,
                                               .sums = sums + (begin - t.row) * t.cols,
                                               .row_scale = scale};
                              tile.bias = bias.At(t.column);
                              if (lora != nullptr) {
                                tile.rank = lora->z.cols();
                                tile.lora_z = F32Of(lora->z) + (begin - lora->begin) * tile.rank;
                                tile.lora_b =
                                    LoraBTile(F32Of(lora->b), tile.rank, t.column, t.cols,
                                              work_.threads.Mine(kLora).F32(tile.rank * t.cols));
                                tile.lora_scale = static_cast<float>(lora->scale);
                              }
                              tile.gelu = e.gelu;
                              tile.round_gelu = saved ? saved.bf16 : out.bf16;
                              tile.saved_gelu = saved.At(at);
                              tile.residual = residual.At(at);
                              tile.y = out.At(at);
                              tile.stride = m.rows;
                              FinishTile(tile);
                            });
           });
}

void FrozenLinear::Backward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  LACOS_CHECK(dy.cols() == m.rows && dx.cols() == m.cols && dx.rows() == dy.rows(),
              "dx [T, in] = dy [T, out] W");
  const BackwardEpilogue& e = epilogue;
  CheckSegments(e.lora, dy.rows());
  for (const LoraBackwardSegment& lora : e.lora) {
    LACOS_CHECK(lora.a.rows() == lora.dz.cols() && lora.a.cols() == m.cols, "LoRA's A is [R, in]");
  }
  const ConstFloats saved = FloatsOf(e.saved_gelu);
  const Floats out = FloatsOf(dx);
  const float* scale =
      type_ == ProductType::kInt8 ? weights_.Codes(weight).row_scale : weights_.RowScale(weight);
  const Operand left{FloatsOf(dy), dy.rows(), scale};
  RunTiles(
      left, weight, Orientation::kBackward, [&](const Tile& t, const float* sums, const float*) {
        ForEachSegment(
            e.lora, t.row, t.row + t.rows,
            [&](int64_t begin, int64_t end, const LoraBackwardSegment* lora) {
              const int64_t at = begin * m.cols + t.column;
              BackwardTile tile{
                  .rows = end - begin, .cols = t.cols, .sums = sums + (begin - t.row) * t.cols};
              if (lora != nullptr) {
                tile.rank = lora->dz.cols();
                tile.lora_dz = F32Of(lora->dz) + (begin - lora->begin) * tile.rank;
                tile.lora_a = LoraATile(F32Of(lora->a), m.cols, tile.rank, t.column, t.cols,
                                        work_.threads.Mine(kLora).F32(tile.rank * t.cols));
                tile.lora_scale = static_cast<float>(lora->scale);
              }
              tile.saved_gelu = saved.At(at);
              tile.accumulate = e.accumulate;
              tile.dx = out.At(at);
              tile.stride = m.cols;
              FinishTile(tile);
            });
      });
}

}  // namespace lacos::cpu
