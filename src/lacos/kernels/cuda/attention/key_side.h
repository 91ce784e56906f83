// Device code of the backward pass for 16 keys of a head: dk and dv, summed over queries in their order.
#pragma once

#include "lacos/kernels/cuda/attention/head_tiles.h"

namespace lacos::cuda {

// What the query side hands to the key side, for each query: the largest score, 1 / the sum of the
// exponentials, and the sum over keys of probability times its gradient.
struct QueryStatistics {
  float largest = 0, inverse = 0, mean = 0;
};

template <int kDim>
class KeySide {
 public:
  // `k` and `v` are tiles of rows, `row` is the place of the first of the warp's 16 keys in them.
  GPU_DEVICE KeySide(const uint16_t* k, const uint16_t* v, int row) : k_(k), v_(v), row_(row) {}

  // Adds queries [query, query + 16) to the sums. They are rows [row, row + 16) of the tiles q and dy;
  // `key` is the first key's position in the text, and statistics(i) those of query i.
  template <class Statistics>
  GPU_DEVICE void Add(const HeadArguments& a, const HeadItem& item, int head, float slope, int key,
                      int query, const uint16_t* q, const uint16_t* dy, int row,
                      const Statistics& statistics) {
    // transposed: rows are keys, columns are queries
    float p[2][4], ds[2][4];
    Dots(k_, q, row, p);
    Dots(v_, dy, row, ds);
    const int group = gpu::Lane() / 4, in = gpu::Lane() % 4;
    GPU_UNROLL
    for (int h = 0; h < 2; ++h) {
      GPU_UNROLL
      for (int side = 0; side < 2; ++side) {
        const int i = query + h * 8 + in * 2 + side;
        const bool inside = i < item.length;
        const QueryStatistics s = inside ? statistics(i) : QueryStatistics{};
        GPU_UNROLL
        for (int half = 0; half < 2; ++half) {
          const int r = half * 2 + side, j = key + group + half * 8;
          float probability = 0, gradient = 0;
          if (inside && j <= i) {
            const float score = gpu::Fma(static_cast<float>(j - i), slope, p[h][r] * a.scale);
            const float factor = KeyFactor(a.dropout, item.first + i, head, j);
            probability = Exp(score - s.largest) * s.inverse;
            gradient = probability * (ds[h][r] * factor - s.mean);
            probability *= factor;
          }
          p[h][r] = probability;
          ds[h][r] = gradient;
        }
      }
    }
    uint32_t left[4];
    PackRows(ds[0], ds[1], left);
    GPU_UNROLL
    for (int c = 0; c < kDim / 16; ++c) AddRowsProduct<kDim>(left, q, row, c * 16, dk_[c]);
    PackRows(p[0], p[1], left);
    GPU_UNROLL
    for (int c = 0; c < kDim / 16; ++c) AddRowsProduct<kDim>(left, dy, row, c * 16, dv_[c]);
  }

  GPU_DEVICE void Store(const HeadArguments& a, const HeadItem& item, int head, int key) const {
    const float scales[2] = {a.scale, a.scale}, ones[2] = {1, 1};
    GPU_UNROLL
    for (int c = 0; c < kDim / 16; ++c) {
      StoreRowsProduct(dk_[c], scales, item.length - key, a.QkvStride(),
                       GradientPartOf(a, item.first + key, head, 1) + c * 16);
      StoreRowsProduct(dv_[c], ones, item.length - key, a.QkvStride(),
                       GradientPartOf(a, item.first + key, head, 2) + c * 16);
    }
  }

 private:
  // Products of the warp's 16 keys with 16 rows of another tile.
  GPU_DEVICE void Dots(const uint16_t* keys, const uint16_t* tile, int row,
                       float (&c)[2][4]) const {
    GPU_UNROLL
    for (int h = 0; h < 2; ++h) {
      GPU_UNROLL
      for (int r = 0; r < 4; ++r) c[h][r] = 0;
    }
    const uint16_t* const at =
        tile + (row + gpu::Lane() / 4) * kHeadPitch<kDim> + gpu::Lane() % 4 * 2;
    GPU_UNROLL
    for (int k = 0; k < kDim / 16; ++k) {
      uint32_t a[4];
      LoadRows<kDim>(keys, row_, k * 16, a);
      GPU_UNROLL
      for (int h = 0; h < 2; ++h) {
        const uint16_t* const b = at + h * 8 * kHeadPitch<kDim> + k * 16;
        MultiplyAdd<gpu::MmaBF16>(a, PairAt(b), PairAt(b + 8), c[h]);
      }
    }
  }

  const uint16_t* k_;
  const uint16_t* v_;
  int row_;
  float dk_[kDim / 16][2][4] = {}, dv_[kDim / 16][2][4] = {};
};

}  // namespace lacos::cuda
