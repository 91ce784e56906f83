#include "lacos/kernels/cpu/linear/frozen_linear.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/int8/int8_product.h"
#include "lacos/kernels/cpu/int8/int8_quads.h"
#include "lacos/kernels/cpu/int8/int8_stored.h"
#include "lacos/kernels/cpu/linear/epilogue.h"
#include "lacos/kernels/cpu/tasks.h"

namespace lacos::cpu {
namespace {

constexpr int64_t kInt8TileRows = 128;
// Up to so many rows a forward product reads the codes where they lie; packing them costs as much
// as some 12 rows of the product.
constexpr int64_t kInt8UnpackedRows = 48;

// Scratch of each thread.
enum Slot { kLeft, kSums, kLora, kWeight };

}  // namespace

// Rows of x or dy; with a scale for each column (folded in before rounding) in the backward of
// row-scaled codes.
struct FrozenLinear::Operand {
  ConstFloats values;  // [rows, depth]
  int64_t rows = 0;
  int64_t depth = 0;
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
      int8_by_onednn_(
          type_ == ProductType::kInt8 &&
          (int8 == Int8Choice::kOneDnn || (int8 == Int8Choice::kBest && NativeInt8Works(cache_)))),
      element_(int8_by_onednn_               ? ProductElement::kS8
               : type_ == ProductType::kBF16 ? ProductElement::kBF16
                                             : ProductElement::kF32),
      tiles_(ChooseTiles()),
      weights_(type_, tiles_.dense ? WeightLayout::kDenseTiles : WeightLayout::kPaddedRows) {}

RowTiles FrozenLinear::ChooseTiles() {
  if (type_ != ProductType::kInt8 || int8_by_onednn_) {
    return ChooseRowTiles(cache_, element_, implementation_);
  }
  implementation_ = fmt::format("{}, exact 32-bit sums", BestInt8MultiplyName());
  return {.rows = kInt8TileRows, .granularity = kInt8RowGroup};
}

std::string FrozenLinear::Describe() const {
  const char* type = type_ == ProductType::kF32    ? "f32"
                     : type_ == ProductType::kBF16 ? "bf16"
                     : type_ == ProductType::kInt8
                         ? "int8"
                         : "bf16 emulated (bf16-rounded inputs, f32 products)";
  const bool quads = KernelFor(1, Orientation::kForward) == Int8Kernel::kQuads;
  return fmt::format(
      "linear {}: {}, tiles of {} rows (last one a multiple of {}) by {} columns{}", type,
      implementation_, tiles_.rows, tiles_.granularity, kTileColumns,
      quads ? fmt::format("; up to {} rows: stored codes, vpdpbusd", kInt8QuadRows) : "");
}

FrozenLinear::Int8Kernel FrozenLinear::KernelFor(int64_t rows, Orientation orientation) const {
  const bool forward = orientation == Orientation::kForward;
  if (int8_by_onednn_) {
    return forward && rows <= kInt8QuadRows && HasInt8Quads() ? Int8Kernel::kQuads
                                                              : Int8Kernel::kOneDnn;
  }
  return forward && rows <= kInt8UnpackedRows ? Int8Kernel::kStored : Int8Kernel::kPacked;
}

FrozenLinear::Int8Left FrozenLinear::LeftOf(Int8Kernel kernel, int64_t rows, int64_t depth) const {
  if (kernel == Int8Kernel::kQuads) return {RoundUp(rows, kInt8QuadGroup), Int8QuadStride(depth)};
  if (kernel == Int8Kernel::kOneDnn) return {tiles_.Padded(rows), depth};
  return {tiles_.Padded(rows), Int8LeftStride(depth) * int64_t{sizeof(int16_t)}};
}

// The sizes that RunTiles, RunInt8Tiles and LeftTile ask for, of the largest tile and of the last
// one.
WorkspaceNeed FrozenLinear::Need(View x, WeightId weight, Orientation orientation, int64_t rank) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  const bool forward = orientation == Orientation::kForward;
  const int64_t depth = forward ? m.cols : m.rows, columns = forward ? m.rows : m.cols;
  const int64_t rows = x.rows(), row_tiles = tiles_.Count(rows);
  WorkspaceNeed need{.tasks = row_tiles * CeilDivide(columns, kTileColumns)};
  if (row_tiles == 0) return need;
  const bool integers = type_ == ProductType::kInt8, bf16 = type_ == ProductType::kBF16;
  const bool piecewise =
      forward && row_tiles == 1 && !integers && !weights_.InPlace(weight, orientation);
  const int64_t cols = std::min(kTileColumns, columns);
  const int64_t stride = weights_.Stride(weight, orientation, cols);
  const bool row_scales_in_dy = !forward && weights_.HasRowScale(weight);
  const bool as_it_is = !row_scales_in_dy && (x.dtype == DType::kBF16) == bf16 && !integers &&
                        type_ != ProductType::kBF16Emulated;
  const int64_t last = rows - (row_tiles - 1) * tiles_.rows;
  for (const int64_t valid : {std::min(rows, tiles_.rows), last}) {
    const int64_t padded = tiles_.Padded(valid);
    int64_t left = padded * depth * static_cast<int64_t>(weights_.ElementBytes()),
            sums = padded * cols;
    bool by_onednn = !integers;
    if (integers) {
      const Int8Kernel kernel = KernelFor(rows, orientation);
      const Int8Left codes = LeftOf(kernel, valid, depth);
      left = (2 * RoundUp(tiles_.rows, 16) + codes.Floats()) * static_cast<int64_t>(sizeof(float));
      sums = codes.padded_rows * cols;
      by_onednn = kernel == Int8Kernel::kOneDnn;
    }
    if (as_it_is && padded == valid) left = 0;
    if (by_onednn) {
      const ProductShape shape{padded, cols, depth, integers ? m.cols : stride, forward, element_};
      sums = RoundUp(sums, 16) + static_cast<int64_t>(cache_.Get(shape).ScratchpadBytes() / 4) + 16;
    }
    need.thread[kLeft] = std::max(need.thread[kLeft], static_cast<size_t>(left));
    need.thread[kSums] = std::max(need.thread[kSums], static_cast<size_t>(sums) * sizeof(float));
  }
  need.thread[kLora] = static_cast<size_t>(rank * cols) * sizeof(float);
  if (piecewise)
    need.thread[kWeight] = static_cast<size_t>(cols * stride) * weights_.ElementBytes();
  need.decoded = piecewise ? 0 : weights_.DecodedBytes(weight, orientation);
  const bool packs = integers && KernelFor(rows, orientation) == Int8Kernel::kPacked;
  need.packed = packs ? Int8PackedBytes(columns, depth) : 0;
  return need;
}

// The tile's rows in the product's type, zero-padded; where they lie if nothing has to be changed.
// `held` says which tile each thread's scratch holds, so that a tile is converted once for all its
// columns that a thread computes.
const void* FrozenLinear::LeftTile(const Operand& left, int64_t tile, std::vector<int64_t>& held) {
  const int64_t begin = tile * tiles_.rows, end = std::min(left.rows, begin + tiles_.rows);
  const int64_t padded = tiles_.Padded(end - begin);
  const bool bf16 = type_ == ProductType::kBF16;
  const bool as_it_is = left.column_scale == nullptr && left.values.bf16 == bf16 &&
                        type_ != ProductType::kBF16Emulated;
  if (as_it_is && padded == end - begin) return left.values.At(begin * left.depth).data;
  const Floats out{work_.threads.Mine(kLeft).Bytes(static_cast<size_t>(padded * left.depth) *
                                                   weights_.ElementBytes()),
                   bf16};
  int64_t& mine = held[omp_get_thread_num()];
  if (mine == tile) return out.data;
  for (int64_t row = begin; row < end; ++row) {
    ConvertScaled(left.values.At(row * left.depth), left.column_scale, type_ != ProductType::kF32,
                  left.depth, out.At((row - begin) * left.depth));
  }
  const Floats rest = out.At((end - begin) * left.depth);
  std::memset(rest.data, 0,
              static_cast<size_t>((padded - (end - begin)) * left.depth) * weights_.ElementBytes());
  mine = tile;
  return out.data;
}

namespace {

// Calls f(row tile, column tile) for all of them. While there are row tiles for every thread, one
// thread takes all columns of a row tile, so that its rows are converted once; the last ones are
// shared out by columns.
template <class F>
void RunTileTasks(int64_t row_tiles, int64_t column_tiles, F&& f) {
  const int64_t alone = (row_tiles - 1) / ThreadCount() * ThreadCount();
  RunTasks(alone + (row_tiles - alone) * column_tiles, [&](int64_t task) {
    if (task < alone) {
      for (int64_t column = 0; column < column_tiles; ++column) f(task, column);
    } else {
      f(alone + (task - alone) / column_tiles, (task - alone) % column_tiles);
    }
  });
}

}  // namespace

// Calls finish(first_row, rows, first_column, columns, sums, row_scale of these columns) for each
// tile.
template <class Finish>
void FrozenLinear::RunTiles(const Operand& left, WeightId weight, Orientation orientation,
                            const Finish& finish) {
  if (type_ == ProductType::kInt8) return RunInt8Tiles(left, weight, orientation, finish);
  const QuantizedMatrix& m = weights_.Matrix(weight);
  const bool forward = orientation == Orientation::kForward;
  const int64_t columns = forward ? m.rows : m.cols;
  const int64_t row_tiles = tiles_.Count(left.rows);
  const int64_t column_tiles = CeilDivide(columns, kTileColumns);
  if (row_tiles == 0) return;
  cache_.Trim();
  work_.threads.Reserve();
  // One tile of rows uses each weight once: decode it piece by piece in cache instead of through
  // memory.
  const bool piecewise = forward && row_tiles == 1 && !weights_.IsDecoded(weight, orientation);
  const DecodedWeight whole = piecewise ? DecodedWeight{} : weights_.Whole(weight, orientation);
  std::vector<int64_t> held(static_cast<size_t>(ThreadCount()), -1);

  RunTileTasks(row_tiles, column_tiles, [&](int64_t tile, int64_t column_tile) {
    const int64_t row = tile * tiles_.rows, column = column_tile * kTileColumns;
    const int64_t rows = std::min(tiles_.rows, left.rows - row);
    const int64_t cols = std::min(kTileColumns, columns - column);
    const int64_t stride = weights_.Stride(weight, orientation, cols);
    const ProductShape shape{tiles_.Padded(rows), cols, left.depth, stride, forward, element_};
    const Product& product = cache_.Get(shape);
    DecodedWeight part;
    if (piecewise) {
      const size_t bytes = static_cast<size_t>(cols * stride) * weights_.ElementBytes();
      part = weights_.SomeRows(weight, column, column + cols,
                               work_.threads.Mine(kWeight).Bytes(bytes));
    } else {
      part.values = weights_.Tile(whole, weight, orientation, column);
      if (forward && whole.row_scale != nullptr) part.row_scale = whole.row_scale + column;
    }
    // The scratchpad lies behind the sums.
    const int64_t sums_count = RoundUp(shape.m * cols, 16);
    float* sums = work_.threads.Mine(kSums).F32(
        sums_count + static_cast<int64_t>(product.ScratchpadBytes() / 4) + 16);
    product.Run(LeftTile(left, tile, held), part.values.data, sums, sums + sums_count);
    finish(row, rows, column, cols, sums, part.row_scale);
  });
}

// All tiles of columns, one behind the other.
const int8_t* FrozenLinear::PackWhole(WeightId weight, Orientation orientation, int64_t columns,
                                      int64_t depth) {
  auto* packed = reinterpret_cast<int8_t*>(packed_.Bytes(Int8PackedBytes(columns, depth)));
  if (packed_weight_ == weight && packed_orientation_ == orientation) return packed;
  packed_weight_ = -1;
  const int8_t* codes = weights_.Codes(weight).codes;
  RunRanges(columns, kTileColumns, [&](int64_t begin, int64_t end) {
    int8_t* tile = packed + Int8PackedBytes(begin, depth);
    if (orientation == Orientation::kForward) {
      PackInt8Rows(codes + begin * depth, depth, end - begin, depth, tile);
    } else {
      PackInt8Columns(codes + begin, columns, end - begin, depth, tile);
    }
  });
  packed_weight_ = weight;
  packed_orientation_ = orientation;
  return packed;
}

float FrozenLinear::QuantizeLeftRow(Int8Kernel kernel, ConstFloats x, const float* column_scale,
                                    int64_t depth, std::byte* codes) {
  if (kernel == Int8Kernel::kQuads)
    return QuantizeInt8QuadRow(x, depth, reinterpret_cast<uint8_t*>(codes));
  if (kernel == Int8Kernel::kOneDnn) {
    return QuantizeInt8Row(x, column_scale, depth, reinterpret_cast<int8_t*>(codes));
  }
  return QuantizeInt8Row(x, column_scale, depth, reinterpret_cast<int16_t*>(codes));
}

template <class Finish>
void FrozenLinear::RunInt8Tiles(const Operand& left, WeightId weight, Orientation orientation,
                                const Finish& finish) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  const bool forward = orientation == Orientation::kForward;
  const int64_t columns = forward ? m.rows : m.cols, depth = left.depth;
  LACOS_CHECK(depth <= kInt8MaxDepth, "integer sums fit in 32 bit");
  const int64_t row_tiles = tiles_.Count(left.rows),
                column_tiles = CeilDivide(columns, kTileColumns);
  if (row_tiles == 0) return;
  cache_.Trim();
  work_.threads.Reserve();
  const Int8Kernel kernel = KernelFor(left.rows, orientation);
  const bool wide = kernel == Int8Kernel::kPacked || kernel == Int8Kernel::kStored;  // 16-bit rows
  const Int8Weight layout =
      kernel == Int8Kernel::kPacked ? Int8Weight::kPacked : Int8Weight::kStored;
  const int8_t* packed =
      kernel == Int8Kernel::kPacked ? PackWhole(weight, orientation, columns, depth) : nullptr;
  const RowCodes plain = weights_.Codes(weight);
  std::vector<int64_t> held(static_cast<size_t>(ThreadCount()), -1);

  RunTileTasks(row_tiles, column_tiles, [&](int64_t tile, int64_t column_tile) {
    const int64_t row = tile * tiles_.rows, column = column_tile * kTileColumns;
    const int64_t rows = std::min(tiles_.rows, left.rows - row);
    const int64_t cols = std::min(kTileColumns, columns - column);
    const Int8Left shape = LeftOf(kernel, rows, depth);
    const int64_t padded = shape.padded_rows;
    // The rows' scales, their surplus, then their codes.
    const int64_t scales = RoundUp(tiles_.rows, 16);
    float* scale = work_.threads.Mine(kLeft).F32(2 * scales + shape.Floats());
    auto* surplus = reinterpret_cast<int32_t*>(scale + scales);
    auto* codes = reinterpret_cast<std::byte*>(scale + 2 * scales);
    const auto* codes16 = reinterpret_cast<const int16_t*>(codes);
    if (int64_t& mine = held[omp_get_thread_num()]; mine != tile) {
      for (int64_t r = 0; r < rows; ++r) {
        const ConstFloats x = left.values.At((row + r) * depth);
        scale[r] =
            QuantizeLeftRow(kernel, x, left.column_scale, depth, codes + r * shape.stride_bytes);
        if (wide) surplus[r] = Int8RowSurplus(layout, codes16 + r * Int8LeftStride(depth), depth);
      }
      std::fill(scale + rows, scale + padded, 0.0f);
      std::fill(surplus + rows, surplus + padded, 0);
      std::fill(codes + rows * shape.stride_bytes, codes + padded * shape.stride_bytes,
                std::byte{0});
      mine = tile;
    }
    const int8_t* stored = plain.codes + (forward ? column * m.cols : column);
    const int64_t sums_count = padded * cols;
    float* sums = nullptr;
    if (kernel == Int8Kernel::kOneDnn) {
      const Product& product = cache_.Get({padded, cols, depth, m.cols, forward, element_});
      const int64_t count = RoundUp(sums_count, 16);
      const auto scratchpad = static_cast<int64_t>(product.ScratchpadBytes() / sizeof(float));
      sums = work_.threads.Mine(kSums).F32(count + scratchpad + 16);
      product.Run(codes, stored, sums, sums + count);
      for (int64_t r = 0; r < rows; ++r) ScaleInt8Sums(scale[r], cols, sums + r * cols);
    } else {
      sums = work_.threads.Mine(kSums).F32(sums_count);
      if (kernel == Int8Kernel::kQuads) {
        Int8QuadProduct(reinterpret_cast<const uint8_t*>(codes), scale, padded, stored, m.cols,
                        cols, depth, sums);
      } else if (kernel == Int8Kernel::kStored) {
        Int8DotProduct({codes16, scale, surplus, padded}, stored, m.cols, cols, depth, sums);
      } else {
        Int8Product({codes16, scale, surplus, padded}, packed + Int8PackedBytes(column, depth),
                    cols, depth, sums);
      }
    }
    finish(row, rows, column, cols, sums, forward ? plain.row_scale + column : nullptr);
  });
}

namespace {

// Column block [first, first + cols) of lora_b^T: [rank, cols] from [out, rank].
const float* LoraBTile(const float* b, int64_t rank, int64_t first, int64_t cols, float* tile) {
  for (int64_t c = 0; c < cols; ++c) {
    for (int64_t r = 0; r < rank; ++r) tile[r * cols + c] = b[(first + c) * rank + r];
  }
  return tile;
}

// Column block of lora_a [rank, in].
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
  LACOS_CHECK(!e.lora_z == !e.lora_b, "LoRA's z and B come together");
  LACOS_CHECK(!e.lora_z || (e.lora_z.cols() == e.lora_b.cols() && e.lora_b.rows() == m.rows),
              "LoRA's B is [out, R]");
  const int64_t rank = e.lora_z ? e.lora_z.cols() : 0;
  const float* z = F32Of(e.lora_z);
  const float* b = F32Of(e.lora_b);
  const ConstFloats bias = FloatsOf(e.bias), residual = FloatsOf(e.residual);
  const Floats saved = FloatsOf(e.saved_gelu), out = FloatsOf(y);
  const Operand left{FloatsOf(x), x.rows(), m.cols, nullptr};
  RunTiles(left, weight, Orientation::kForward,
           [&](int64_t row, int64_t rows, int64_t column, int64_t cols, const float* sums,
               const float* scale) {
             const int64_t at = row * m.rows + column;
             ForwardTile tile{.rows = rows, .cols = cols, .sums = sums, .row_scale = scale};
             tile.bias = bias.At(column);
             if (z != nullptr) {
               tile.lora_z = z + row * rank;
               tile.lora_b =
                   LoraBTile(b, rank, column, cols, work_.threads.Mine(kLora).F32(rank * cols));
               tile.rank = rank;
               tile.lora_scale = static_cast<float>(e.lora_scale);
             }
             tile.gelu = e.gelu;
             tile.round_gelu = saved ? saved.bf16 : out.bf16;
             tile.saved_gelu = saved.At(at);
             tile.residual = residual.At(at);
             tile.y = out.At(at);
             tile.stride = m.rows;
             FinishTile(tile);
           });
}

void FrozenLinear::Backward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx) {
  const QuantizedMatrix& m = weights_.Matrix(weight);
  LACOS_CHECK(dy.cols() == m.rows && dx.cols() == m.cols && dx.rows() == dy.rows(),
              "dx [T, in] = dy [T, out] W");
  const BackwardEpilogue& e = epilogue;
  LACOS_CHECK(!e.lora_dz == !e.lora_a, "LoRA's dz and A come together");
  LACOS_CHECK(!e.lora_dz || (e.lora_dz.cols() == e.lora_a.rows() && e.lora_a.cols() == m.cols),
              "LoRA's A is [R, in]");
  const int64_t rank = e.lora_dz ? e.lora_dz.cols() : 0;
  const float* dz = F32Of(e.lora_dz);
  const float* a = F32Of(e.lora_a);
  const ConstFloats saved = FloatsOf(e.saved_gelu);
  const Floats out = FloatsOf(dx);
  const float* scale =
      type_ == ProductType::kInt8 ? weights_.Codes(weight).row_scale : weights_.RowScale(weight);
  const Operand left{FloatsOf(dy), dy.rows(), m.rows, scale};
  RunTiles(left, weight, Orientation::kBackward,
           [&](int64_t row, int64_t rows, int64_t column, int64_t cols, const float* sums,
               const float*) {
             const int64_t at = row * m.cols + column;
             BackwardTile tile{.rows = rows, .cols = cols, .sums = sums};
             if (dz != nullptr) {
               tile.lora_dz = dz + row * rank;
               tile.lora_a = LoraATile(a, m.cols, rank, column, cols,
                                       work_.threads.Mine(kLora).F32(rank * cols));
               tile.rank = rank;
               tile.lora_scale = static_cast<float>(e.lora_scale);
             }
             tile.saved_gelu = saved.At(at);
             tile.accumulate = e.accumulate;
             tile.dx = out.At(at);
             tile.stride = m.cols;
             FinishTile(tile);
           });
}

}  // namespace lacos::cpu
