// Device code of products on tensor cores: y [rows, columns] = epilogue(left right), with codes
// (mma.sync m16n8k32, exact 32-bit sums) or bf16 numbers (m16n8k16, f32 sums).
//
// Grid: one block for each tile of y; blocks of one column tile are neighbours and share its weights
// in the L2 cache. A block's warps divide the tile, never the depth, and no two blocks add to one sum
// (no split-K). So a row of y depends on its own row of `left` alone, whatever the tile's size.
// Saves nothing. Bytes: per value of y what the epilogue reads and writes; the matrices pass through
// shared memory with two or more steps ahead (cp.async), one barrier a step. FLOP: 2 rows columns
// depth. The backward pass reads the weights across the depth, as they lie. Codes are decoded, or
// transposed in blocks of four, on their way from shared memory to registers, by two operations a value
// at most.
#pragma once

#include <type_traits>

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/epilogue.h"
#include "lacos/kernels/cuda/linear/tiles.h"
#include "lacos/kernels/cuda/math.h"

namespace lacos::cuda {

// The size of a block's tile, of a warp's part of it, and the steps in shared memory.
template <int kRowsOfTile, int kColumnsOfTile, int kRowsOfWarp, int kColumnsOfWarp,
          int kStagesOfTile>
struct TileSize {
  static constexpr int kRows = kRowsOfTile, kColumns = kColumnsOfTile;
  static constexpr int kWarpRows = kRowsOfWarp, kWarpColumns = kColumnsOfWarp;
  static constexpr int kStages = kStagesOfTile;
  static constexpr int kThreads = kRows / kWarpRows * (kColumns / kWarpColumns) * gpu::kWarp;
};
// Two blocks of 128 threads fit a multiprocessor: 2 x 48 KB, some 200 registers a thread. A warp's 64
// x 64 values read each fragment for four others, which keeps shared memory below half of its rate.
using LargeTile = TileSize<128, 128, 64, 64, 3>;
// For products with fewer large tiles than multiprocessors.
using MediumTile = TileSize<64, 64, 32, 32, 4>;
// For a few rows: the time is that of reading the weights, so many small blocks have many copies in
// flight.
using SmallTile = TileSize<16, 64, 16, 32, 6>;

struct ProductArguments {
  RowBytes left, right;
  int32_t rows = 0, columns = 0, steps = 0;  // steps of the depth
  EpilogueArguments epilogue;
};

template <class Tile, Right kRight>
struct ProductMemory {
  static constexpr int kStage =
      Tile::kRows * kStepBytes + Tile::kColumns * kStepDepth<kRight> * kRightBytes<kRight>;
  static constexpr int kUpdates = kUpdateRanks * (Tile::kRows + Tile::kColumns) * 4;
  static constexpr int kBytes =
      kStage * Tile::kStages > kUpdates ? kStage* Tile::kStages : kUpdates;
};

// Where a thread's values lie in the tile: value (i, c) belongs to mma tile i / 2, its upper or lower
// half, and to column c % 8 of the thread's run in column group c / 8.
struct ValuePlace {
  int first_row = 0, first_column = 0;
  GPU_DEVICE int Row(int i) const { return first_row + i / 2 * 16 + i % 2 * 8; }
  GPU_DEVICE int Column(int c) const { return first_column + c / 8 * kGroupColumns + c % 8; }
};

template <Right kRight>
using MmaOf = std::conditional_t<kIsInt8<kRight>, gpu::MmaS8, gpu::MmaBF16>;

template <class Tile, Right kRight>
GPU_DEVICE void CopyStep(const ProductArguments& p, int first_row, int first_column, int step,
                         unsigned char* stage) {
  CopyAlong<Tile::kRows, kStepBytes, Tile::kThreads, false>(p.left, first_row, step * kStepBytes,
                                                            stage);
  unsigned char* const right = stage + Tile::kRows * kStepBytes;
  if constexpr (kIsAcross<kRight>) {
    constexpr int kDepth = kStepDepth<kRight>;
    CopyAcross<kDepth, Tile::kColumns * kRightBytes<kRight>, Tile::kThreads>(
        p.right, step * kDepth, first_column * kRightBytes<kRight>, right);
  } else {
    constexpr int kBytes = kStepDepth<kRight> * kRightBytes<kRight>;
    CopyAlong<Tile::kColumns, kBytes, Tile::kThreads, true>(p.right, first_column, step * kBytes,
                                                            right);
  }
}

// Adds one step of the depth to the sums of a warp's part.
template <class Tile, Right kRight, class Sum>
GPU_DEVICE void MultiplyStep(const unsigned char* stage, int warp_row, int warp_column,
                             Sum (&sum)[Tile::kWarpRows / 16][Tile::kWarpColumns / 8][4]) {
  constexpr int kMmaRows = Tile::kWarpRows / 16, kGroups = Tile::kWarpColumns / kGroupColumns;
  const int group = gpu::Lane() / 4, in = gpu::Lane() % 4;
  const unsigned char* const right = stage + Tile::kRows * kStepBytes;
  uint32_t a[2][kMmaRows][4];
  GPU_UNROLL
  for (int i = 0; i < kMmaRows; ++i) {
    GPU_UNROLL
    for (int half = 0; half < 2; ++half) {
      const Words4 w = *reinterpret_cast<const Words4*>(
          stage + (warp_row + i * 16 + half * 8 + group) * kStepBytes + in * 16);
      a[0][i][half] = w.word[0];
      a[0][i][half + 2] = w.word[1];
      a[1][i][half] = w.word[2];
      a[1][i][half + 2] = w.word[3];
    }
  }
  const auto multiply = [&](const RightFragment& b, int tile) {
    GPU_UNROLL
    for (int part = 0; part < 2; ++part) {
      GPU_UNROLL
      for (int i = 0; i < kMmaRows; ++i) {
        MultiplyAdd<MmaOf<kRight>>(a[part][i], b.word[2 * part], b.word[2 * part + 1],
                                   sum[i][tile]);
      }
    }
  };
  GPU_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    const int columns = warp_column / kGroupColumns + g;
    if constexpr (kRight == Right::kInt8Across) {
      // One half of the lane's depth after the other, which takes half of the registers.
      GPU_UNROLL
      for (int part = 0; part < 2; ++part) {
        AcrossRows<kRight> rows =
            LoadAcross<kRight, Tile::kColumns>(right, columns, group, in, in * 16 + part * 8);
        TransposeCodes(rows);
        GPU_UNROLL
        for (int j = 0; j < kGroupTiles; ++j) {
          GPU_UNROLL
          for (int i = 0; i < kMmaRows; ++i) {
            MultiplyAdd<gpu::MmaS8>(a[part][i], rows.word[j][0], rows.word[4 + j][0],
                                    sum[i][g * 4 + j]);
          }
        }
      }
    } else if constexpr (kIsAcross<kRight>) {
      const AcrossRows<kRight> rows =
          LoadAcross<kRight, Tile::kColumns>(right, columns, group, in, in * 8);
      GPU_UNROLL
      for (int j = 0; j < kGroupTiles; ++j) multiply(FragmentOf<kRight>(rows, j), g * 4 + j);
    } else {
      GPU_UNROLL
      for (int j = 0; j < kGroupTiles; ++j) {
        multiply(LoadAlong<kRight>(right, warp_column + g * kGroupColumns + j * 8 + group, in),
                 g * 4 + j);
      }
    }
  }
}

template <class Tile, Right kRight>
GPU_KERNEL Product(ProductArguments p) {
  using Sum = std::conditional_t<kIsInt8<kRight>, int32_t, float>;
  constexpr int kMmaRows = Tile::kWarpRows / 16, kMmaColumns = Tile::kWarpColumns / 8;
  constexpr int kStage = ProductMemory<Tile, kRight>::kStage, kStages = Tile::kStages;
  auto* const shared = reinterpret_cast<unsigned char*>(gpu::DynamicShared());
  const int row_tiles = (p.rows + Tile::kRows - 1) / Tile::kRows;
  const int first_row = static_cast<int>(gpu::Block() % row_tiles) * Tile::kRows;
  const int first_column = static_cast<int>(gpu::Block() / row_tiles) * Tile::kColumns;
  constexpr int kWarpsAcross = Tile::kColumns / Tile::kWarpColumns;
  const int warp_row = gpu::Warp() / kWarpsAcross * Tile::kWarpRows;
  const int warp_column = gpu::Warp() % kWarpsAcross * Tile::kWarpColumns;

  Sum sum[kMmaRows][kMmaColumns][4];
  GPU_UNROLL
  for (int i = 0; i < kMmaRows; ++i) {
    GPU_UNROLL
    for (int j = 0; j < kMmaColumns; ++j) {
      GPU_UNROLL
      for (int r = 0; r < 4; ++r) sum[i][j][r] = 0;
    }
  }

  GPU_UNROLL
  for (int step = 0; step < kStages - 1; ++step) {
    if (step < p.steps)
      CopyStep<Tile, kRight>(p, first_row, first_column, step, shared + step * kStage);
    gpu::CommitCopies();
  }
  int slot = 0, next = kStages - 1;  // the stages of this step and of the one that is copied
  for (int step = 0; step < p.steps; ++step) {
    gpu::WaitCopies<kStages - 2>();
    gpu::Barrier();  // the step has arrived, and nobody reads the stage that is overwritten next
    if (step + kStages - 1 < p.steps) {
      CopyStep<Tile, kRight>(p, first_row, first_column, step + kStages - 1,
                             shared + next * kStage);
    }
    gpu::CommitCopies();
    MultiplyStep<Tile, kRight>(shared + slot * kStage, warp_row, warp_column, sum);
    slot = slot + 1 == kStages ? 0 : slot + 1;
    next = next + 1 == kStages ? 0 : next + 1;
  }
  gpu::WaitCopies<0>();  // updates reuse the stages, after a barrier of their own

  const EpilogueArguments& e = p.epilogue;
  const int group = gpu::Lane() / 4, in = gpu::Lane() % 4;
  const ValuePlace place{warp_row + group, warp_column + in * 8};
  constexpr int kRows = kMmaRows * 2, kColumns = Tile::kWarpColumns / 4;
  float value[kRows][kColumns];
  GPU_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    const int column = first_column + place.Column(c);
    const bool inside = column < p.columns;
    const float scale = e.right_scale != nullptr && inside ? e.right_scale[column] : 1.0f;
    const float bias = e.bias != nullptr && inside ? e.bias[column] : 0.0f;
    GPU_UNROLL
    for (int i = 0; i < kRows; ++i) {
      // run element e of group g is mma tile 4 g + e % 4, register e / 4 of its half
      float v = static_cast<float>(sum[i / 2][c / 8 * 4 + c % 4][i % 2 * 2 + c % 8 / 4]);
      if (e.left_scale != nullptr) {
        const int row = first_row + place.Row(i);
        v *= row < p.rows ? e.left_scale[row] : 0.0f;
      }
      if (e.right_scale != nullptr) v *= scale;
      if (e.bias != nullptr) v += bias;
      value[i][c] = v;
    }
  }
  if (e.segments > 0) {
    AddUpdates<Tile::kRows, Tile::kColumns>(e, p.rows, p.columns, first_row, first_column, place,
                                            reinterpret_cast<float*>(shared), value);
  }
  GPU_UNROLL
  for (int i = 0; i < kRows; ++i) {
    const int row = first_row + place.Row(i);
    if (row >= p.rows) continue;
    GPU_UNROLL
    for (int g = 0; g < kColumns / 8; ++g) {
      float v[8];
      GPU_UNROLL
      for (int k = 0; k < 8; ++k) v[k] = value[i][g * 8 + k];
      FinishEight(e, row, first_column + place.Column(g * 8), p.columns, v);
    }
  }
}

template <class Tile, Right kRight>
void LaunchProduct(gpu::Stream stream, const ProductArguments& p) {
  const int64_t tiles = static_cast<int64_t>((p.rows + Tile::kRows - 1) / Tile::kRows) *
                        ((p.columns + Tile::kColumns - 1) / Tile::kColumns);
  gpu::Launch(
      stream,
      {.blocks = tiles, .threads = Tile::kThreads, .shared = ProductMemory<Tile, kRight>::kBytes},
      Product<Tile, kRight>, p);
}

}  // namespace lacos::cuda
