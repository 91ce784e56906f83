// Device code of the epilogue that all products with frozen weights share: scales, bias, low-rank
// updates, GELU or its derivative, and the addition of a residual or of the old result.
//
// The sums stay in registers from the product to the store. A thread holds, for each of its rows,
// runs of eight neighbouring columns, so that it reads and writes whole 16-byte pieces. Per value
// this takes R fused multiply-adds for an update of rank R, and 12 operations for GELU.
#pragma once

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/floats.h"
#include "lacos/kernels/cuda/math.h"

namespace lacos::cuda {

// The low-rank update of rows [begin, end): scale * narrow wide, where narrow is [end - begin,
// rank], and value (r, column) of the wide matrix is wide[r * rank_step + column * column_step].
struct UpdateSegment {
  int32_t begin = 0, end = 0, rank = 0;
  float scale = 1;
  const float* narrow = nullptr;
  const float* wide = nullptr;
  int32_t rank_step = 0, column_step = 0;
};
// The most segments that one launch takes. A product with more is cut into launches by rows.
inline constexpr int kMaxSegments = 24;

// What happens to the sums [rows, columns] in this order:
//   v = sum * left_scale[row] * right_scale[column] + bias[column] + updates
//   with `gelu`: v is rounded like the activations, stored to saved_out, and becomes gelu(v)
//   with `saved_in`, and never with `gelu`: v is multiplied by gelu'(saved_in)
//   with `added`: v += added; then v is stored in y, which may be `added`.
// Null pointers mean "absent". All matrices have `columns` values from row to row.
struct EpilogueArguments {
  const float* left_scale = nullptr;   // [rows]
  const float* right_scale = nullptr;  // [columns]
  const float* bias = nullptr;         // [columns]
  int32_t segments = 0;
  UpdateSegment segment[kMaxSegments];
  bool gelu = false, round_gelu = false;
  DeviceFloats saved_out, saved_in, added, y;
  // whether rows begin at multiples of 16 bytes, so that eight values are read and written at once
  bool aligned = false;
};

// The ranks of an update whose factors are in shared memory at a time.
inline constexpr int kUpdateRanks = 8;

// Adds the low-rank updates to a thread's values. `Place` maps them: value (i, e) of the thread is in
// row Place::Row(i) and column Place::Column(e) of the tile. `shared` has room for kUpdateRanks *
// (kTileRows + kTileColumns) floats. Every thread of the block takes part.
template <int kTileRows, int kTileColumns, int kRows, int kColumns, class Place>
GPU_DEVICE void AddUpdates(const EpilogueArguments& e, int rows, int columns, int first_row,
                           int first_column, const Place& place, float* shared,
                           float (&value)[kRows][kColumns]) {
  float* const narrow = shared;                           // [kUpdateRanks, kTileRows]
  float* const wide = shared + kUpdateRanks * kTileRows;  // [kUpdateRanks, kTileColumns]
  const int last_row = rows < first_row + kTileRows ? rows : first_row + kTileRows;
  for (int s = 0; s < e.segments; ++s) {
    const UpdateSegment& segment = e.segment[s];
    if (segment.end <= first_row || segment.begin >= last_row) continue;
    for (int from = 0; from < segment.rank; from += kUpdateRanks) {
      const int ranks = segment.rank - from < kUpdateRanks ? segment.rank - from : kUpdateRanks;
      gpu::Barrier();  // nobody reads the memory any more
      for (int i = gpu::Thread(); i < ranks * kTileRows; i += gpu::Threads()) {
        const int r = i % ranks, row = first_row + i / ranks;
        const bool inside = row >= segment.begin && row < segment.end;
        const int64_t at = static_cast<int64_t>(row - segment.begin) * segment.rank + from + r;
        narrow[r * kTileRows + i / ranks] = inside ? segment.narrow[at] * segment.scale : 0.0f;
      }
      // neighbouring threads read neighbouring values
      const bool by_columns = segment.column_step == 1;
      for (int i = gpu::Thread(); i < ranks * kTileColumns; i += gpu::Threads()) {
        const int r = by_columns ? i / kTileColumns : i % ranks;
        const int c = by_columns ? i % kTileColumns : i / ranks;
        const int64_t at = static_cast<int64_t>(from + r) * segment.rank_step +
                           static_cast<int64_t>(first_column + c) * segment.column_step;
        wide[r * kTileColumns + c] = first_column + c < columns ? segment.wide[at] : 0.0f;
      }
      gpu::Barrier();  // the factors are there
      for (int r = 0; r < ranks; ++r) {
        float b[kColumns];
        GPU_UNROLL
        for (int c = 0; c < kColumns; ++c) b[c] = wide[r * kTileColumns + place.Column(c)];
        GPU_UNROLL
        for (int i = 0; i < kRows; ++i) {
          const int row = first_row + place.Row(i);
          if (row < segment.begin || row >= segment.end) continue;
          const float z = narrow[r * kTileRows + place.Row(i)];
          GPU_UNROLL
          for (int c = 0; c < kColumns; ++c) value[i][c] = gpu::Fma(z, b[c], value[i][c]);
        }
      }
    }
  }
}

// The rest of the epilogue for eight neighbouring values.
GPU_DEVICE void FinishEight(const EpilogueArguments& e, int row, int column, int columns,
                            float (&v)[8]) {
  const int count = columns - column < 8 ? columns - column : 8;
  if (count <= 0) return;
  const bool whole = e.aligned && count == 8;
  const int64_t at = static_cast<int64_t>(row) * columns + column;
  float other[8];
  if (e.gelu || e.saved_in.data != nullptr) {
    if (e.gelu) {
      GPU_UNROLL
      for (int i = 0; i < 8; ++i) other[i] = e.round_gelu ? RoundedToBF16(v[i]) : v[i];
      if (e.saved_out.data != nullptr) StoreEight(other, e.saved_out, at, whole, count);
    } else {
      LoadEight(e.saved_in, at, whole, count, other);
    }
    GPU_UNROLL
    for (int i = 0; i < 8; ++i) {  // one gate for both, as divisions and exponentials are long code
      const float gate = GeluGate(other[i]);
      v[i] = e.gelu ? other[i] * gate : v[i] * GeluDerivative(other[i], gate);
    }
  }
  if (e.added.data != nullptr) {
    LoadEight(e.added, at, whole, count, other);
    GPU_UNROLL
    for (int i = 0; i < 8; ++i) v[i] += other[i];
  }
  StoreEight(v, e.y, at, whole, count);
}

}  // namespace lacos::cuda
