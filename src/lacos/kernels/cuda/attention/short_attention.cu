// Attention of short texts on tensor cores: the keys and values of a head lie in shared memory, and
// the scores of a query in registers, so that the softmax needs no rescaling.
//
// Grid: one block of four warps for each (text, head); texts of up to 32 tokens share a block in twos.
// A warp takes 16 queries at a time, in an order that gives the warps equal numbers of keys. The
// backward pass does everything in one block: each warp first takes queries (dq, and three numbers a
// query, which stay in shared memory), then keys (dk and dv), and computes the scores again.
// Saves nothing. Bytes a token: 8 D forward (qkv, y) and 14 D backward (qkv, dy, dqkv) in bf16: at 19
// tokens, NLI's average, the time is that of the bytes. FLOP a token: 2 n D forward, 7 n D backward,
// for texts of n tokens. Probabilities and their gradients are rounded to bf16. Share: not measured yet.
#include "lacos/kernels/cuda/attention/key_side.h"

namespace lacos::cuda {
namespace {

constexpr int kShortThreads = 128, kShortWarps = kShortThreads / gpu::kWarp;

// kTiles is the most tiles of 16 queries in a text: 2, 4 or 8.
template <int kTiles>
struct ShortBlock {
  static constexpr int kWarps = kTiles == 2 ? 2 : kShortWarps;  // warps of an item
  static constexpr int kItems = kShortWarps / kWarps;           // items of a block
};

// The item and the tiles of a warp.
template <int kTiles>
struct ShortWork {
  HeadItem item;
  int head = 0, slot = 0, warp = 0;  // the item's place in the block, the warp's place in the item

  // An item without tokens is past the end.
  GPU_DEVICE explicit ShortWork(const HeadArguments& a) {
    using Block = ShortBlock<kTiles>;
    slot = gpu::Warp() / Block::kWarps;
    warp = gpu::Warp() % Block::kWarps;
    const int64_t i = gpu::Block() * Block::kItems + slot;
    if (i < a.items.count * a.heads) item = a.items.items[i / a.heads];
    head = static_cast<int>(i % a.heads);
  }
  GPU_DEVICE int Thread() const { return warp * gpu::kWarp + gpu::Lane(); }
  // Calls f(first row) for this warp's tiles of 16 rows: warp w takes tiles w and 7 - w.
  template <class F>
  GPU_DEVICE void ForTiles(F&& f) const {
    constexpr int kWarps = ShortBlock<kTiles>::kWarps;
    for (int tile = warp; tile < kTiles;
         tile = tile < kWarps && kTiles > kWarps ? 7 - warp : kTiles) {
      if (tile * 16 < item.length) f(tile * 16);
    }
  }
};

template <int kDim, int kTiles>
GPU_KERNEL ShortForward(HeadArguments a, int rows) {
  using Block = ShortBlock<kTiles>;
  const ShortWork<kTiles> work(a);
  const HeadItem& item = work.item;
  constexpr int kPitch = kHeadPitch<kDim>;
  auto* const k = reinterpret_cast<uint16_t*>(gpu::DynamicShared()) + work.slot * 2 * rows * kPitch;
  uint16_t* const v = k + rows * kPitch;
  const int padded = (item.length + 15) / 16 * 16;
  if (item.length > 0) {
    constexpr int kItemThreads = Block::kWarps * gpu::kWarp;
    CopyHeadRows<kDim>(PartOf(a, item.first, work.head, 1), a.QkvStride(), item.length, padded,
                       work.Thread(), kItemThreads, k);
    CopyHeadRows<kDim>(PartOf(a, item.first, work.head, 2), a.QkvStride(), item.length, padded,
                       work.Thread(), kItemThreads, v);
  }
  gpu::CommitCopies();
  gpu::WaitCopies<0>();
  gpu::Barrier();
  if (item.length == 0) return;
  const float slope = a.slopes[work.head];
  work.ForTiles([&](int query) {
    const int tiles = query / 16 + 1;  // of 16 keys, of which the last one holds the queries' own
    uint32_t p[kTiles][4];
    float inverse[2];
    {
      uint32_t q[kDim / 16][4];
      LoadQueries<kDim>(a, item, work.head, query, q);
      float score[kTiles][2][4];
      float largest[2] = {-kInfinity, -kInfinity};
      ScoreTiles<kDim>(a, q, k, tiles, query, 0, slope, score, largest);
      float sum[2] = {0, 0};
      GPU_UNROLL
      for (int h = 0; h < 2; ++h) largest[h] = RowMax(largest[h]);
      GPU_UNROLL
      for (int t = 0; t < kTiles; ++t) {
        if (t >= tiles) continue;
        GPU_UNROLL
        for (int h = 0; h < 2; ++h) {
          GPU_UNROLL
          for (int r = 0; r < 4; ++r) {
            score[t][h][r] = Exp(score[t][h][r] - largest[r / 2]);
            sum[r / 2] += score[t][h][r];
          }
          DropTile(a.dropout, item.first, item.length, work.head, query, t * 16 + h * 8,
                   score[t][h]);
        }
        PackRows(score[t][0], score[t][1], p[t]);
      }
      GPU_UNROLL
      for (int h = 0; h < 2; ++h) inverse[h] = gpu::Divide(1.0f, RowSum(sum[h]));
    }
    GPU_UNROLL
    for (int column = 0; column < kDim; column += 16) {
      float y[2][4] = {};
      GPU_UNROLL
      for (int t = 0; t < kTiles; ++t) {
        if (t < tiles) AddRowsProduct<kDim>(p[t], v, t * 16, column, y);
      }
      StoreRowsProduct(
          y, inverse, item.length - query, a.OutStride(),
          reinterpret_cast<uint16_t*>(a.y.data) + OutOf(a, item.first + query, work.head) + column);
    }
  });
}

// dq of 16 queries, and their statistics.
template <int kDim, int kTiles>
GPU_DEVICE void BackwardQueries(const HeadArguments& a, const ShortWork<kTiles>& work, int query,
                                float slope, const uint16_t* q, const uint16_t* k,
                                const uint16_t* v, const uint16_t* dy,
                                QueryStatistics* statistics) {
  const HeadItem& item = work.item;
  const int tiles = query / 16 + 1;
  uint32_t ds[kTiles][4];
  {
    uint32_t rows[kDim / 16][4];
    GPU_UNROLL
    for (int c = 0; c < kDim / 16; ++c) LoadRows<kDim>(q, query, c * 16, rows[c]);
    float score[kTiles][2][4], dp[kTiles][2][4];
    float largest[2] = {-kInfinity, -kInfinity};
    ScoreTiles<kDim>(a, rows, k, tiles, query, 0, slope, score, largest);
    GPU_UNROLL
    for (int h = 0; h < 2; ++h) largest[h] = RowMax(largest[h]);
    GPU_UNROLL
    for (int c = 0; c < kDim / 16; ++c) LoadRows<kDim>(dy, query, c * 16, rows[c]);
    float sum[2] = {0, 0}, mean[2] = {0, 0};
    GPU_UNROLL
    for (int t = 0; t < kTiles; ++t) {
      if (t >= tiles) continue;
      GPU_UNROLL
      for (int h = 0; h < 2; ++h) {
        float(&c)[4] = dp[t][h];
        Dots<kDim>(rows, v, t * 16 + h * 8, c);
        DropTile(a.dropout, item.first, item.length, work.head, query, t * 16 + h * 8, c);
        GPU_UNROLL
        for (int r = 0; r < 4; ++r) {
          const float e = Exp(score[t][h][r] - largest[r / 2]);
          score[t][h][r] = e;
          sum[r / 2] += e;
          mean[r / 2] = gpu::Fma(e, c[r], mean[r / 2]);
        }
      }
    }
    GPU_UNROLL
    for (int h = 0; h < 2; ++h) {
      const float inverse = gpu::Divide(1.0f, RowSum(sum[h]));
      mean[h] = RowSum(mean[h]) * inverse;
      sum[h] = inverse;
      if (gpu::Lane() % 4 == 0)
        statistics[query + gpu::Lane() / 4 + h * 8] = {largest[h], inverse, mean[h]};
    }
    GPU_UNROLL
    for (int t = 0; t < kTiles; ++t) {
      if (t >= tiles) continue;
      GPU_UNROLL
      for (int h = 0; h < 2; ++h) {
        GPU_UNROLL
        for (int r = 0; r < 4; ++r)
          dp[t][h][r] = score[t][h][r] * sum[r / 2] * (dp[t][h][r] - mean[r / 2]);
      }
      PackRows(dp[t][0], dp[t][1], ds[t]);
    }
  }
  const float scales[2] = {a.scale, a.scale};
  GPU_UNROLL
  for (int column = 0; column < kDim; column += 16) {
    float dq[2][4] = {};
    GPU_UNROLL
    for (int t = 0; t < kTiles; ++t) {
      if (t < tiles) AddRowsProduct<kDim>(ds[t], k, t * 16, column, dq);
    }
    StoreRowsProduct(dq, scales, item.length - query, a.QkvStride(),
                     GradientPartOf(a, item.first + query, work.head, 0) + column);
  }
}

template <int kDim, int kTiles>
GPU_KERNEL ShortBackward(HeadArguments a, int rows) {
  using Block = ShortBlock<kTiles>;
  const ShortWork<kTiles> work(a);
  const HeadItem& item = work.item;
  constexpr int kPitch = kHeadPitch<kDim>;
  auto* const shared = reinterpret_cast<unsigned char*>(gpu::DynamicShared());
  auto* const q = reinterpret_cast<uint16_t*>(shared) + work.slot * 4 * rows * kPitch;
  uint16_t *const k = q + rows * kPitch, *const v = k + rows * kPitch,
                  *const dy = v + rows * kPitch;
  QueryStatistics* const statistics =
      reinterpret_cast<QueryStatistics*>(shared + Block::kItems * 4 * rows * kPitch * 2) +
      work.slot * rows;
  const int padded = (item.length + 15) / 16 * 16;
  if (item.length > 0) {
    constexpr int kItemThreads = Block::kWarps * gpu::kWarp;
    for (int part = 0; part < 3; ++part) {
      CopyHeadRows<kDim>(PartOf(a, item.first, work.head, part), a.QkvStride(), item.length, padded,
                         work.Thread(), kItemThreads, q + part * rows * kPitch);
    }
    CopyHeadRows<kDim>(
        reinterpret_cast<const uint16_t*>(a.dy.data) + OutOf(a, item.first, work.head),
        a.OutStride(), item.length, padded, work.Thread(), kItemThreads, dy);
  }
  gpu::CommitCopies();
  gpu::WaitCopies<0>();
  gpu::Barrier();
  const float slope = a.slopes[work.head];
  if (item.length > 0) {
    work.ForTiles([&](int query) {
      BackwardQueries<kDim, kTiles>(a, work, query, slope, q, k, v, dy, statistics);
    });
  }
  gpu::Barrier();
  if (item.length == 0) return;
  work.ForTiles([&](int key) {
    KeySide<kDim> side(k, v, key);
    for (int query = key; query < item.length; query += 16) {
      side.Add(a, item, work.head, slope, key, query, q, dy, query,
               [&](int i) { return statistics[i]; });
    }
    side.Store(a, item, work.head, key);
  });
}

template <int kTiles, class Kernel>
void LaunchShort(gpu::Stream stream, const HeadArguments& a, int matrices, size_t row_bytes,
                 Kernel kernel) {
  constexpr int kItems = ShortBlock<kTiles>::kItems;
  const int rows = static_cast<int>(CeilDiv(a.items.longest, 16) * 16);
  const auto pitch = static_cast<size_t>(a.dim + 8) * sizeof(uint16_t);
  gpu::Launch(stream,
              {.blocks = CeilDiv(a.items.count * a.heads, kItems),
               .threads = kShortThreads,
               .shared = static_cast<size_t>(kItems * rows) *
                         (static_cast<size_t>(matrices) * pitch + row_bytes)},
              kernel, a, rows);
}

}  // namespace

void RunShortAttention(gpu::Stream stream, const HeadArguments& a, bool shortest) {
  WithHeadDim(a.dim, [&](auto dim) {
    if (shortest) {
      LaunchShort<2>(stream, a, 2, 0, ShortForward<dim(), 2>);
    } else {
      LaunchShort<8>(stream, a, 2, 0, ShortForward<dim(), 8>);
    }
  });
}

void RunShortAttentionBackward(gpu::Stream stream, const HeadArguments& a, bool shortest) {
  WithHeadDim(a.dim, [&](auto dim) {
    // longer texts of wide heads go to the long kernels
    constexpr int kTiles = ShortLength(dim(), true) / 16;
    if (shortest) {
      LaunchShort<2>(stream, a, 4, sizeof(QueryStatistics), ShortBackward<dim(), 2>);
    } else {
      LaunchShort<kTiles>(stream, a, 4, sizeof(QueryStatistics), ShortBackward<dim(), kTiles>);
    }
  });
}

}  // namespace lacos::cuda
