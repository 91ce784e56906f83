#include "lacos/kernels/cpu/linear/frozen_linear.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/int8/int8_product.h"
#include "lacos/kernels/cpu/int8/int8_quads.h"
#include "lacos/kernels/cpu/linear/epilogue.h"
#include "lacos/kernels/cpu/linear/int8_tile.h"
#include "lacos/kernels/cpu/ranges.h"
#include "lacos/kernels/lora_segments.h"

namespace lacos::cpu {
namespace {

constexpr int64_t kInt8TileRows = 128;
// A multiple of the 12 rows (6 on AVX2) that Int8PanelProduct computes together.
constexpr int64_t kInt8PanelTileRows = 192;
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

ProductType FrozenLinear::ChooseType(Compute compute, PrimitiveCache& cache) {
  if (compute == Compute::kF32) return ProductType::kF32;
  if (compute == Compute::kInt8) return ProductType::kInt8;
  return NativeBF16Works(cache) ? ProductType::kBF16 : ProductType::kBF16Emulated;
}

FrozenLinear::FrozenLinear(Compute compute, Workspace& work, Int8Choice int8)
    : work_(work),
      type_(ChooseType(compute, cache_)),
      int8_by_onednn_(type_ == ProductType::kInt8 &&
                      (int8 == Int8Choice::kOneDnn ||
                       (int8 == Int8Choice::kBest && OneDnnIsa().ends_with("AVX-512 AMX") &&
                        NativeInt8Works(cache_)))),
      int8_by_quads_(type_ == ProductType::kInt8 && int8 == Int8Choice::kBest && !int8_by_onednn_ &&
                     Int8QuadsAllowed()),
      element_(int8_by_onednn_               ? ProductElement::kS8
               : type_ == ProductType::kBF16 ? ProductElement::kBF16
                                             : ProductElement::kF32),
      tiles_(ChooseTiles()),
      weights_(type_, tiles_.dense ? WeightLayout::kDenseTiles : WeightLayout::kPaddedRows) {}

RowTiles FrozenLinear::ChooseTiles() {
  if (type_ != ProductType::kInt8 || int8_by_onednn_) {
    return ChooseRowTiles(cache_, element_, implementation_);
  }
  implementation_ =
      fmt::format("{}, exact 32-bit sums", int8_by_quads_ ? "vpdpbusd" : BestInt8MultiplyName());
  return {.rows = int8_by_quads_ ? kInt8PanelTileRows : kInt8TileRows,
          .granularity = kInt8RowGroup};
}

std::string FrozenLinear::Describe() const {
  const char* type = type_ == ProductType::kF32    ? "f32"
                     : type_ == ProductType::kBF16 ? "bf16"
                     : type_ == ProductType::kInt8
                         ? "int8"
                         : "bf16 emulated (bf16-rounded inputs, f32 products)";
  const bool quads = KernelFor(1, Orientation::kForward) == TileKernel::kInt8Quads;
  return fmt::format(
      "linear {}: {}, tiles of {} rows (last one a multiple of {}) by {} columns{}", type,
      implementation_, tiles_.rows, tiles_.granularity, kTileColumns,
      quads ? fmt::format("; up to {} rows: stored codes, vpdpbusd", kInt8QuadRows) : "");
}

TileKernel FrozenLinear::KernelFor(int64_t rows, Orientation orientation) const {
  const bool forward = orientation == Orientation::kForward;
  if (type_ != ProductType::kInt8) return TileKernel::kFloat;
  const bool wide_quads = (int8_by_onednn_ || int8_by_quads_) && HasInt8Quads();
  if (forward && wide_quads && rows <= kInt8QuadRows) return TileKernel::kInt8Quads;
  if (int8_by_onednn_) return TileKernel::kInt8OneDnn;
  if (forward && !wide_quads && rows <= kInt8UnpackedRows) return TileKernel::kInt8Stored;
  return int8_by_quads_ ? TileKernel::kInt8Panels : TileKernel::kInt8Packed;
}

TilePlan FrozenLinear::Plan(int64_t rows, DType left, WeightId weight, Orientation orientation) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  const bool forward = orientation == Orientation::kForward;
  TilePlan plan{.kernel = KernelFor(rows, orientation),
                .element = element_,
                .orientation = orientation,
                .rows = rows,
                .depth = forward ? m.cols : m.rows,
                .columns = forward ? m.rows : m.cols,
                .tile_rows = tiles_.rows};
  if (rows == 0) return plan;
  const int64_t row_tiles = plan.RowTiles();
  const int64_t last = rows - (row_tiles - 1) * tiles_.rows;
  plan.last_padded_rows =
      plan.kernel == TileKernel::kInt8Quads ? RoundUp(last, kInt8QuadGroup) : tiles_.Padded(last);
  if (plan.Integers()) {
    LACOS_CHECK(plan.depth <= kInt8MaxDepth, "integer sums fit in 32 bit");
    plan.weight_stride = m.cols;
    plan.left_stride_bytes =
        plan.kernel == TileKernel::kInt8OneDnn ? plan.depth
        : plan.kernel == TileKernel::kInt8Quads || plan.kernel == TileKernel::kInt8Panels
            ? Int8QuadStride(plan.depth)
            : Int8LeftStride(plan.depth) * int64_t{sizeof(int16_t)};
    return plan;
  }
  plan.weight_stride = weights_.Stride(weight, orientation);
  plan.weight_element_bytes = static_cast<int64_t>(weights_.ElementBytes());
  plan.left_stride_bytes = plan.depth * plan.weight_element_bytes;
  plan.left_fits = (forward || !weights_.HasRowScale(weight)) &&
                   (left == DType::kBF16) == (type_ == ProductType::kBF16) &&
                   type_ != ProductType::kBF16Emulated;
  // If there is only one tile of rows, it uses each weight once. Then the weight is decoded piece
  // by piece in cache and does not pass through memory.
  plan.piecewise = forward && row_tiles == 1 && !weights_.InPlace(weight, orientation);
  // RowTiles was chosen for one implementation of oneDNN. If oneDNN uses another one for these
  // columns, the last tile is a whole one.
  for (const int64_t column_tile : {int64_t{0}, plan.ColumnTiles() - 1}) {
    const ProductShape shape = plan.Shape(plan.At(row_tiles - 1, column_tile));
    if (cache_.Get(shape).Implementation() != implementation_) plan.last_padded_rows = tiles_.rows;
  }
  return plan;
}

WorkspaceNeed FrozenLinear::Need(View x, WeightId weight, Orientation orientation, int64_t rank) {
  const TilePlan plan = Plan(x.rows(), x.dtype, weight, orientation);
  const int64_t row_tiles = plan.RowTiles();
  WorkspaceNeed need{.tasks = row_tiles * plan.ColumnTiles()};
  if (row_tiles == 0) return need;
  for (const int64_t row_tile : {int64_t{0}, row_tiles - 1}) {
    const Tile tile = plan.At(row_tile, 0);
    const int64_t sums =
        plan.ByOneDnn() ? plan.SumFloats(tile, cache_.Get(plan.Shape(tile))) : plan.SumFloats(tile);
    need.thread[kLeft] = std::max(need.thread[kLeft], plan.LeftBytes(tile));
    need.thread[kSums] = std::max(need.thread[kSums], static_cast<size_t>(sums) * sizeof(float));
    need.thread[kLora] = static_cast<size_t>(rank * tile.cols) * sizeof(float);
    need.thread[kWeight] = plan.WeightBytes(tile);
  }
  need.decoded = plan.piecewise ? 0 : weights_.DecodedBytes(weight, orientation);
  need.packed = plan.PackedBytes(plan.columns);
  return need;
}

const void* FrozenLinear::LeftTile(const TilePlan& plan, const Operand& left, const Tile& tile,
                                   std::vector<int64_t>& held) {
  if (plan.LeftInPlace(tile)) return left.values.At(tile.row * plan.depth).data;
  std::byte* scratch = work_.threads.Mine(kLeft).Bytes(plan.LeftBytes(tile));
  int64_t& mine = held[ThreadIndex()];
  if (mine == tile.index) return scratch;
  if (plan.Integers()) {
    QuantizeTile(plan, tile, left.values, left.column_scale,
                 {plan, reinterpret_cast<float*>(scratch)});
  } else {
    const Floats out{scratch, type_ == ProductType::kBF16};
    for (int64_t r = 0; r < tile.rows; ++r) {
      ConvertScaled(left.values.At((tile.row + r) * plan.depth), left.column_scale,
                    type_ != ProductType::kF32, plan.depth, out.At(r * plan.depth));
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

}  // namespace

float* FrozenLinear::Multiply(const TilePlan& plan, const Tile& tile, const void* left,
                              const void* weight) {
  const Product& product = cache_.Get(plan.Shape(tile));
  float* sums = work_.threads.Mine(kSums).F32(plan.SumFloats(tile, product));
  product.Run(left, weight, sums, sums + plan.SumFloats(tile));
  return sums;
}

template <class Finish>
void FrozenLinear::RunTiles(const Operand& left, WeightId weight, Orientation orientation,
                            const Finish& finish) {
  if (left.rows == 0) return;
  cache_.Trim();
  TilePlan plan =
      Plan(left.rows, left.values.bf16 ? DType::kBF16 : DType::kF32, weight, orientation);
  if (weights_.IsDecoded(weight, orientation)) plan.piecewise = false;
  work_.threads.Reserve();
  std::vector<int64_t> held(static_cast<size_t>(ThreadCount()), -1);
  const bool forward = orientation == Orientation::kForward;

  if (plan.Integers()) {
    const int8_t* packed = plan.Packs() ? PackWhole(plan, weight, orientation) : nullptr;
    const RowCodes stored = weights_.Codes(weight);
    RunTileTasks(plan, [&](const Tile& tile) {
      const void* rows = LeftTile(plan, left, tile, held);
      const Int8TileRows parts(plan, static_cast<float*>(const_cast<void*>(rows)));
      const int8_t* codes = packed != nullptr
                                ? packed + plan.PackedBytes(tile.column)
                                : stored.codes + tile.column * (forward ? plan.weight_stride : 1);
      float* sums = nullptr;
      if (plan.ByOneDnn()) {
        sums = Multiply(plan, tile, parts.codes, codes);
        for (int64_t r = 0; r < tile.rows; ++r) {
          ScaleInt8Sums(parts.scale[r], tile.cols, sums + r * tile.cols);
        }
      } else {
        sums = work_.threads.Mine(kSums).F32(plan.SumFloats(tile));
        MultiplyInt8Tile(plan, tile, parts, codes, sums);
      }
      finish(tile, sums, forward ? stored.row_scale + tile.column : nullptr);
    });
    return;
  }

  const DecodedWeight whole =
      plan.piecewise ? DecodedWeight{} : weights_.Whole(weight, orientation);
  RunTileTasks(plan, [&](const Tile& tile) {
    DecodedWeight part;
    if (plan.piecewise) {
      part = weights_.SomeRows(weight, tile.column, tile.column + tile.cols,
                               work_.threads.Mine(kWeight).Bytes(plan.WeightBytes(tile)));
    } else {
      part.values = weights_.Tile(whole, weight, orientation, tile.column);
      if (forward && whole.row_scale != nullptr) part.row_scale = whole.row_scale + tile.column;
    }
    const float* sums = Multiply(plan, tile, LeftTile(plan, left, tile, held), part.values.data);
    finish(tile, sums, part.row_scale);
  });
}

// Packs all tiles of columns, one after the other.
const int8_t* FrozenLinear::PackWhole(const TilePlan& plan, WeightId weight,
                                      Orientation orientation) {
  auto* packed = reinterpret_cast<int8_t*>(packed_.Bytes(plan.PackedBytes(plan.columns)));
  if (packed_weight_ == weight && packed_orientation_ == orientation) return packed;
  packed_weight_ = -1;
  const int8_t* codes = weights_.Codes(weight).codes;
  const bool forward = orientation == Orientation::kForward;
  const int64_t depth = plan.depth, stride = plan.weight_stride;
  RunRanges(plan.columns, kTileColumns, [&](int64_t begin, int64_t end) {
    int8_t* tile = packed + plan.PackedBytes(begin);
    const int8_t* from = codes + begin * (forward ? stride : 1);
    if (plan.kernel == TileKernel::kInt8Panels) {
      const auto pack = forward ? PackInt8RowPanels : PackInt8ColumnPanels;
      pack(from, stride, end - begin, depth, reinterpret_cast<uint8_t*>(tile));
    } else if (forward) {
      PackInt8Rows(from, stride, end - begin, depth, tile);
    } else {
      PackInt8Columns(from, stride, end - begin, depth, tile);
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
