// Products in f32 on the FMA units.
//
// Grid: one block of 64 threads for each 64 x 64 values of the result; a thread has 8 x 8 sums. Steps
// of 8 values of the depth are loaded into registers while the step before is multiplied, and pass
// through shared memory. Products with at most 8 columns, such as x A^T of LoRA, have a kernel of their
// own, see SkinnyKernel. FLOP: 2 rows columns depth. Bytes: a tile reads its 64 rows of both matrices
// once. Saves nothing. f32 mode is the mode to compare with, and the tiles are for clarity. Share of the
// FMA rate: not measured yet.
#include "lacos/kernels/cuda/linear/f32_product.h"

namespace lacos::cuda {
namespace {

constexpr int kF32Side = 64, kF32Depth = 8, kF32Threads = 64, kF32Own = 8;

struct F32Shared {
  // four more values a row, so that threads which store a column do not share a bank
  float left[kF32Depth][kF32Side + 4], right[kF32Depth][kF32Side + 4];
  float updates[kUpdateRanks * 2 * kF32Side];
};

// The values of a step that a thread copies.
constexpr int kF32Copies = kF32Side * kF32Depth / kF32Threads;
struct StepPiece {
  float left[kF32Copies], right[kF32Copies];
};

GPU_DEVICE float LoadAt(const StridedMatrix& m, int64_t i, int64_t j) {
  return LoadValue(m.values, i * m.row_step + j * m.column_step);
}

// Neighbouring threads read neighbouring values, whichever index they share.
GPU_DEVICE void LoadF32Step(const F32ProductArguments& p, int first_row, int first_column, int step,
                            StepPiece& piece) {
  GPU_UNROLL
  for (int i = 0; i < kF32Copies; ++i) {
    const int at = i * kF32Threads + gpu::Thread();
    const bool left_along = p.left.column_step == 1, right_along = p.right.row_step == 1;
    const int lr = left_along ? at / kF32Depth : at % kF32Side,
              lk = left_along ? at % kF32Depth : at / kF32Side;
    const int rc = right_along ? at / kF32Depth : at % kF32Side,
              rk = right_along ? at % kF32Depth : at / kF32Side;
    const bool left_inside = first_row + lr < p.rows && step + lk < p.depth;
    const bool right_inside = first_column + rc < p.columns && step + rk < p.depth;
    piece.left[i] = left_inside ? LoadAt(p.left, first_row + lr, step + lk) : 0.0f;
    piece.right[i] = right_inside ? LoadAt(p.right, step + rk, first_column + rc) : 0.0f;
  }
}
GPU_DEVICE void StoreF32Step(const F32ProductArguments& p, const StepPiece& piece, F32Shared& s) {
  GPU_UNROLL
  for (int i = 0; i < kF32Copies; ++i) {
    const int at = i * kF32Threads + gpu::Thread();
    const bool left_along = p.left.column_step == 1, right_along = p.right.row_step == 1;
    s.left[left_along ? at % kF32Depth : at / kF32Side]
          [left_along ? at / kF32Depth : at % kF32Side] = piece.left[i];
    s.right[right_along ? at % kF32Depth : at / kF32Side]
           [right_along ? at / kF32Depth : at % kF32Side] = piece.right[i];
  }
}

// Thread t has rows 8 (t / 8) to + 7 and columns 8 (t % 8) to + 7 of the tile.
struct F32Place {
  int first_row = 0, first_column = 0;
  GPU_DEVICE int Row(int i) const { return first_row + i; }
  GPU_DEVICE int Column(int c) const { return first_column + c; }
};

GPU_DEVICE void MultiplyF32Tile(const F32ProductArguments& p, int first_row, int first_column,
                                const F32Place& place, F32Shared& s,
                                float (&sum)[kF32Own][kF32Own]) {
  GPU_UNROLL
  for (int i = 0; i < kF32Own; ++i) {
    GPU_UNROLL
    for (int j = 0; j < kF32Own; ++j) sum[i][j] = 0;
  }
  StepPiece piece;
  LoadF32Step(p, first_row, first_column, 0, piece);
  for (int step = 0; step < p.depth; step += kF32Depth) {
    StoreF32Step(p, piece, s);
    gpu::Barrier();
    if (step + kF32Depth < p.depth)
      LoadF32Step(p, first_row, first_column, step + kF32Depth, piece);
    GPU_UNROLL
    for (int k = 0; k < kF32Depth; ++k) {  // zeros after the end of the depth change no sum
      float a[kF32Own], b[kF32Own];
      GPU_UNROLL
      for (int i = 0; i < kF32Own; ++i) a[i] = s.left[k][place.first_row + i];
      GPU_UNROLL
      for (int j = 0; j < kF32Own; ++j) b[j] = s.right[k][place.first_column + j];
      GPU_UNROLL
      for (int i = 0; i < kF32Own; ++i) {
        GPU_UNROLL
        for (int j = 0; j < kF32Own; ++j) sum[i][j] = gpu::Fma(a[i], b[j], sum[i][j]);
      }
    }
    gpu::Barrier();
  }
}

struct F32Tile {
  int first_row, first_column;
};
// The tile of this block. Tiles of the same columns follow each other.
GPU_DEVICE F32Tile TileOfBlock(int rows) {
  const int row_tiles = (rows + kF32Side - 1) / kF32Side;
  return {static_cast<int>(gpu::Block() % row_tiles) * kF32Side,
          static_cast<int>(gpu::Block() / row_tiles) * kF32Side};
}

GPU_DEVICE F32Place PlaceOfThread() {
  return {gpu::Thread() / 8 * kF32Own, gpu::Thread() % 8 * kF32Own};
}

// Everything that follows after the sums of a thread.
GPU_DEVICE void FinishTile(const EpilogueArguments& e, int rows, int columns, int first_row,
                           int first_column, const F32Place& place, float* updates,
                           float (&sum)[kF32Own][kF32Own]) {
  GPU_UNROLL
  for (int j = 0; j < kF32Own; ++j) {
    const int column = first_column + place.Column(j);
    if (column >= columns) continue;
    if (e.right_scale != nullptr) {
      GPU_UNROLL
      for (int i = 0; i < kF32Own; ++i) sum[i][j] *= e.right_scale[column];
    }
    if (e.bias != nullptr) {
      GPU_UNROLL
      for (int i = 0; i < kF32Own; ++i) sum[i][j] += e.bias[column];
    }
  }
  if (e.segments > 0) {
    AddUpdates<kF32Side, kF32Side>(e, rows, columns, first_row, first_column, place, updates, sum);
  }
  GPU_UNROLL
  for (int i = 0; i < kF32Own; ++i) {
    const int row = first_row + place.Row(i);
    if (row < rows) FinishEight(e, row, first_column + place.Column(0), columns, sum[i]);
  }
}

GPU_KERNEL F32ProductKernel(F32ProductArguments p, EpilogueArguments e) {
  auto& s = gpu::Shared<F32Shared>();
  const auto [first_row, first_column] = TileOfBlock(p.rows);
  const F32Place place = PlaceOfThread();
  float sum[kF32Own][kF32Own];
  MultiplyF32Tile(p, first_row, first_column, place, s, sum);
  FinishTile(e, p.rows, p.columns, first_row, first_column, place, s.updates, sum);
}

struct EpilogueShared {
  float updates[kUpdateRanks * 2 * kF32Side];
};

GPU_KERNEL EpilogueKernel(const float* sums, int rows, int columns, EpilogueArguments e) {
  auto& s = gpu::Shared<EpilogueShared>();
  const auto [first_row, first_column] = TileOfBlock(rows);
  const F32Place place = PlaceOfThread();
  float sum[kF32Own][kF32Own] = {};
  GPU_UNROLL
  for (int i = 0; i < kF32Own; ++i) {
    const int row = first_row + place.Row(i), column = first_column + place.Column(0);
    if (row >= rows || column >= columns) continue;
    const DeviceFloats from = {reinterpret_cast<unsigned char*>(const_cast<float*>(sums)), false};
    LoadEight(from, static_cast<int64_t>(row) * columns + column, columns % 8 == 0,
              columns - column, sum[i]);
  }
  FinishTile(e, rows, columns, first_row, first_column, place, s.updates, sum);
}

GPU_DEVICE void Blend(float sum, float alpha, float beta, DeviceFloats y, int64_t at) {
  const float scaled = sum * alpha;
  StoreValue(beta == 0 ? scaled : gpu::Fma(LoadValue(y, at), beta, scaled), y, at);
}

GPU_KERNEL MatMulKernel(F32ProductArguments p, float alpha, float beta, DeviceFloats y) {
  auto& s = gpu::Shared<F32Shared>();
  const auto [first_row, first_column] = TileOfBlock(p.rows);
  const F32Place place = PlaceOfThread();
  float sum[kF32Own][kF32Own];
  MultiplyF32Tile(p, first_row, first_column, place, s, sum);
  GPU_UNROLL
  for (int i = 0; i < kF32Own; ++i) {
    GPU_UNROLL
    for (int j = 0; j < kF32Own; ++j) {
      const int row = first_row + place.Row(i), column = first_column + place.Column(j);
      if (row < p.rows && column < p.columns)
        Blend(sum[i][j], alpha, beta, y, static_cast<int64_t>(row) * p.columns + column);
    }
  }
}

// Products with at most eight columns and rows along the depth: one warp for each four rows. Lane l
// sums the depth 8 l to 8 l + 7 of each 256, and a fixed tree adds the lanes. The left matrix is read
// once, and the right one, which stays in the L2 cache, once for each four rows.
constexpr int kSkinnyRows = 4, kSkinnyColumns = 8, kSkinnyThreads = 128;

GPU_KERNEL SkinnyKernel(F32ProductArguments p, float alpha, float beta, DeviceFloats y) {
  const int64_t row_groups = (p.rows + kSkinnyRows - 1) / kSkinnyRows;
  const int64_t group = gpu::Block() * (kSkinnyThreads / gpu::kWarp) + gpu::Warp();
  if (group >= row_groups) return;
  const auto first_row = static_cast<int>(group * kSkinnyRows);
  float sum[kSkinnyRows][kSkinnyColumns];
  GPU_UNROLL
  for (int i = 0; i < kSkinnyRows; ++i) {
    GPU_UNROLL
    for (int j = 0; j < kSkinnyColumns; ++j) sum[i][j] = 0;
  }
  const bool whole = p.depth % 8 == 0;
  for (int k = gpu::Lane() * 8; k < p.depth; k += gpu::kWarp * 8) {
    float a[kSkinnyRows][8];
    GPU_UNROLL
    for (int i = 0; i < kSkinnyRows; ++i) {
      // the last rows are computed several times if there are fewer than four
      const int row = first_row + i < p.rows ? first_row + i : p.rows - 1;
      LoadEight(p.left.values, static_cast<int64_t>(row) * p.left.row_step + k, whole, p.depth - k,
                a[i]);
    }
    GPU_UNROLL
    for (int j = 0; j < kSkinnyColumns; ++j) {
      if (j >= p.columns) continue;
      GPU_UNROLL
      for (int d = 0; d < 8; ++d) {
        const float b = k + d < p.depth ? LoadAt(p.right, k + d, j) : 0.0f;
        GPU_UNROLL
        for (int i = 0; i < kSkinnyRows; ++i) sum[i][j] = gpu::Fma(a[i][d], b, sum[i][j]);
      }
    }
  }
  GPU_UNROLL
  for (int i = 0; i < kSkinnyRows; ++i) {
    GPU_UNROLL
    for (int j = 0; j < kSkinnyColumns; ++j) {
      GPU_UNROLL
      for (int mask = gpu::kWarp / 2; mask > 0; mask /= 2)
        sum[i][j] += gpu::ShuffleXor(sum[i][j], mask);
    }
  }
  // lane 8 i + j stores row i, column j
  GPU_UNROLL
  for (int i = 0; i < kSkinnyRows; ++i) {
    GPU_UNROLL
    for (int j = 0; j < kSkinnyColumns; ++j) {
      if (gpu::Lane() != i * kSkinnyColumns + j) continue;
      if (first_row + i < p.rows && j < p.columns)
        Blend(sum[i][j], alpha, beta, y, static_cast<int64_t>(first_row + i) * p.columns + j);
    }
  }
}

int64_t F32Tiles(int rows, int columns) {
  return int64_t{(rows + kF32Side - 1) / kF32Side} * ((columns + kF32Side - 1) / kF32Side);
}

}  // namespace

void RunF32Product(gpu::Stream stream, const F32ProductArguments& p, const EpilogueArguments& e) {
  gpu::Launch(stream, {.blocks = F32Tiles(p.rows, p.columns), .threads = kF32Threads},
              F32ProductKernel, p, e);
}

void RunEpilogue(gpu::Stream stream, const float* sums, int rows, int columns,
                 const EpilogueArguments& e) {
  gpu::Launch(stream, {.blocks = F32Tiles(rows, columns), .threads = kF32Threads}, EpilogueKernel,
              sums, rows, columns, e);
}

void RunMatMul(gpu::Stream stream, const F32ProductArguments& p, float alpha, float beta,
               DeviceFloats y) {
  if (p.columns <= kSkinnyColumns && p.left.column_step == 1) {
    const int64_t warps = (p.rows + kSkinnyRows - 1) / kSkinnyRows;
    constexpr int64_t kWarps = kSkinnyThreads / gpu::kWarp;
    gpu::Launch(stream, {.blocks = (warps + kWarps - 1) / kWarps, .threads = kSkinnyThreads},
                SkinnyKernel, p, alpha, beta, y);
  } else {
    gpu::Launch(stream, {.blocks = F32Tiles(p.rows, p.columns), .threads = kF32Threads},
                MatMulKernel, p, alpha, beta, y);
  }
}

}  // namespace lacos::cuda
