// Device code of attention on tensor cores (mma.sync m16n8k16 in bf16): rows of one head in shared
// memory, and their fragments.
//
// A row of a tile takes kDim + 8 values. The eight more put the rows of a fragment into different
// banks, along the head's columns as well as across the rows.
#pragma once

#include "lacos/kernels/cuda/attention/heads.h"
#include "lacos/kernels/cuda/math.h"

namespace lacos::cuda {

template <int kDim>
inline constexpr int kHeadPitch = kDim + 8;

GPU_DEVICE uint32_t PairAt(const uint16_t* at) { return *reinterpret_cast<const uint32_t*>(at); }

// Copies rows [0, count) of one part of a head (q, k, v or dy) to a tile, and zeros to rows up to
// `rows`. `from` is the first row's first value. The threads are numbered `thread` of `threads`.
template <int kDim>
GPU_DEVICE void CopyHeadRows(const uint16_t* from, int64_t stride, int count, int rows, int thread,
                             int threads, uint16_t* tile) {
  constexpr int kPieces = kDim / 8;
  for (int i = thread; i < rows * kPieces; i += threads) {
    const int row = i / kPieces, piece = i % kPieces * 8;
    uint16_t* const to = tile + row * kHeadPitch<kDim> + piece;
    if (row < count) {
      gpu::CopyAsync(to, from + row * stride + piece);
    } else {
      *reinterpret_cast<Words4*>(to) = Words4{{0, 0, 0, 0}};
    }
  }
}

// The a operand: rows [row, row + 16), columns [column, column + 16).
template <int kDim>
GPU_DEVICE void LoadRows(const uint16_t* tile, int row, int column, uint32_t (&a)[4]) {
  const uint16_t* const at =
      tile + (row + gpu::Lane() / 4) * kHeadPitch<kDim> + column + gpu::Lane() % 4 * 2;
  GPU_UNROLL
  for (int r = 0; r < 4; ++r) a[r] = PairAt(at + r % 2 * 8 * kHeadPitch<kDim> + r / 2 * 8);
}

// Scores of 16 rows, given by their fragments `a`, with rows [row, row + 8) of a tile: c = a b^T.
template <int kDim>
GPU_DEVICE void Dots(const uint32_t (&a)[kDim / 16][4], const uint16_t* tile, int row,
                     float (&c)[4]) {
  GPU_UNROLL
  for (int r = 0; r < 4; ++r) c[r] = 0;
  const uint16_t* const at =
      tile + (row + gpu::Lane() / 4) * kHeadPitch<kDim> + gpu::Lane() % 4 * 2;
  GPU_UNROLL
  for (int k = 0; k < kDim / 16; ++k)
    MultiplyAdd<gpu::MmaBF16>(a[k], PairAt(at + k * 16), PairAt(at + k * 16 + 8), c);
}

// c += a b with rows [row, row + 16) of a tile as the depth and its columns [column, column + 16). Two
// mma tiles are interleaved: a thread's sums are c[j][r] in row lane / 4 + r / 2 * 8 and in column
// column + lane % 4 * 4 + r % 2 * 2 + j, so that it holds four neighbouring columns.
template <int kDim>
GPU_DEVICE void AddRowsProduct(const uint32_t (&a)[4], const uint16_t* tile, int row, int column,
                               float (&c)[2][4]) {
  const uint16_t* const at =
      tile + (row + gpu::Lane() % 4 * 2) * kHeadPitch<kDim> + column + gpu::Lane() / 4 * 2;
  const uint32_t w0 = PairAt(at), w1 = PairAt(at + kHeadPitch<kDim>);
  const uint32_t w2 = PairAt(at + 8 * kHeadPitch<kDim>), w3 = PairAt(at + 9 * kHeadPitch<kDim>);
  MultiplyAdd<gpu::MmaBF16>(a, gpu::PermuteBytes(w0, w1, 0x5410), gpu::PermuteBytes(w2, w3, 0x5410),
                            c[0]);
  MultiplyAdd<gpu::MmaBF16>(a, gpu::PermuteBytes(w0, w1, 0x7632), gpu::PermuteBytes(w2, w3, 0x7632),
                            c[1]);
}

// Stores such sums, times `factor` for each of the thread's two rows, as bf16. `to` is the place of
// row 0 and column `column`; rows from `count` on are left out.
GPU_DEVICE void StoreRowsProduct(const float (&c)[2][4], const float (&factor)[2], int count,
                                 int64_t stride, uint16_t* to) {
  GPU_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int row = gpu::Lane() / 4 + half * 8;
    if (row >= count) continue;
    const float f = factor[half];
    Words2 w;
    GPU_UNROLL
    for (int i = 0; i < 2; ++i)
      w.word[i] = ToBF16Pair(c[0][half * 2 + i] * f, c[1][half * 2 + i] * f);
    *reinterpret_cast<Words2*>(to + row * stride + gpu::Lane() % 4 * 4) = w;
  }
}

// Sums and maxima over the four lanes that share a row of scores.
GPU_DEVICE float RowMax(float v) {
  v = fmaxf(v, gpu::ShuffleXor(v, 1));
  return fmaxf(v, gpu::ShuffleXor(v, 2));
}
GPU_DEVICE float RowSum(float v) {
  v += gpu::ShuffleXor(v, 1);
  return v + gpu::ShuffleXor(v, 2);
}

// Turns the dot products of 16 queries and 8 keys into scores. Keys after the query get -infinity.
GPU_DEVICE void ScoreTile(float (&c)[4], int query, int key, float scale, float slope) {
  GPU_UNROLL
  for (int r = 0; r < 4; ++r) {
    const int i = query + gpu::Lane() / 4 + r / 2 * 8, j = key + gpu::Lane() % 4 * 2 + r % 2;
    c[r] = j <= i ? gpu::Fma(static_cast<float>(j - i), slope, c[r] * scale) : -kInfinity;
  }
}

// Multiplies a tile of 16 queries and 8 keys by the dropout factors. `first` is the text's first
// token; queries from `length` on have no key.
GPU_DEVICE void DropTile(const DropoutMask& mask, int64_t first, int length, int head, int query,
                         int key, float (&c)[4]) {
  if (mask.token_keys == nullptr) return;
  const int j = key + gpu::Lane() % 4 * 2;
  GPU_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int i = query + gpu::Lane() / 4 + half * 8;
    if (i >= length) continue;
    const KeyFactors pair = KeyPairFactors(mask, first + i, head, j);
    c[half * 2] *= pair.factor[0];
    c[half * 2 + 1] *= pair.factor[1];
  }
}

// The a operand made of two neighbouring tiles of 8 columns.
GPU_DEVICE void PackRows(const float (&left)[4], const float (&right)[4], uint32_t (&a)[4]) {
  a[0] = ToBF16Pair(left[0], left[1]);
  a[1] = ToBF16Pair(left[2], left[3]);
  a[2] = ToBF16Pair(right[0], right[1]);
  a[3] = ToBF16Pair(right[2], right[3]);
}

// Where the parts of a head's row lie.
GPU_DEVICE const uint16_t* PartOf(const HeadArguments& a, int64_t token, int head, int part) {
  return reinterpret_cast<const uint16_t*>(a.qkv.data) + token * a.QkvStride() +
         (static_cast<int64_t>(head) * 3 + part) * a.dim;
}
GPU_DEVICE uint16_t* GradientPartOf(const HeadArguments& a, int64_t token, int head, int part) {
  return reinterpret_cast<uint16_t*>(a.dqkv.data) + token * a.QkvStride() +
         (static_cast<int64_t>(head) * 3 + part) * a.dim;
}
GPU_DEVICE int64_t OutOf(const HeadArguments& a, int64_t token, int head) {
  return token * a.OutStride() + static_cast<int64_t>(head) * a.dim;
}

// The scores of 16 queries, given by their fragments `q`, with the first `tiles` times 16 rows of the
// tile k, whose first key is `key`. `largest` becomes the largest score of each of the thread's two
// rows, among its own columns.
template <int kDim, int kTiles>
GPU_DEVICE void ScoreTiles(const HeadArguments& a, const uint32_t (&q)[kDim / 16][4],
                           const uint16_t* k, int tiles, int query, int key, float slope,
                           float (&score)[kTiles][2][4], float (&largest)[2]) {
  GPU_UNROLL
  for (int t = 0; t < kTiles; ++t) {
    if (t >= tiles) continue;
    GPU_UNROLL
    for (int h = 0; h < 2; ++h) {
      float(&c)[4] = score[t][h];
      Dots<kDim>(q, k, t * 16 + h * 8, c);
      ScoreTile(c, query, key + t * 16 + h * 8, a.scale, slope);
      GPU_UNROLL
      for (int r = 0; r < 4; ++r) largest[r / 2] = fmaxf(largest[r / 2], c[r]);
    }
  }
}

// The fragments of rows [row, row + 16) of a text in global memory, zeros from `length` on. `from` is
// the first value of the text's first row.
template <int kDim>
GPU_DEVICE void LoadTextRows(const uint16_t* from, int64_t stride, int length, int row,
                             uint32_t (&a)[kDim / 16][4]) {
  GPU_UNROLL
  for (int r = 0; r < 4; ++r) {
    const int i = row + gpu::Lane() / 4 + r % 2 * 8;
    const uint16_t* const at = from + i * stride + gpu::Lane() % 4 * 2 + r / 2 * 8;
    GPU_UNROLL
    for (int k = 0; k < kDim / 16; ++k) a[k][r] = i < length ? PairAt(at + k * 16) : 0u;
  }
}
template <int kDim>
GPU_DEVICE void LoadQueries(const HeadArguments& a, const HeadItem& item, int head, int query,
                            uint32_t (&q)[kDim / 16][4]) {
  LoadTextRows<kDim>(PartOf(a, item.first, head, 0), a.QkvStride(), item.length, query, q);
}

// Calls f(constant of the width) for one of the widths that are compiled.
template <class F>
void WithHeadDim(int dim, F&& f) {
  switch (dim) {
    case 32:
      return f(std::integral_constant<int, 32>());
    case 64:
      return f(std::integral_constant<int, 64>());
    case 80:
      return f(std::integral_constant<int, 80>());
    case 96:
      return f(std::integral_constant<int, 96>());
    case 128:
      return f(std::integral_constant<int, 128>());
    default:
      LACOS_CHECK(false, "a width with kernels on tensor cores");
  }
}

}  // namespace lacos::cuda
