// Attention of long texts on tensor cores, by tiles of 64 rows with a softmax that is rescaled when a
// larger score appears (FlashAttention-2; Dao, 2023), always in the order of the tokens.
//
// Grid: one block of four warps for each head and 64 queries (forward, dq) or 64 keys (dk, dv); a warp
// has 16 rows. Blocks with most work come first. Tiles pass through two stages of shared memory.
// The backward pass computes the scores again: for queries twice, first for their statistics, which go
// to scratch, and for keys once. So it needs no atomics, and its bytes depend on the text alone.
// Saves nothing. FLOP a token: 2 n D forward and 9 n D backward for texts of n tokens (half of the
// pairs are left out). Bytes: a tile reads the rows before it, from the L2 cache. Share of the bf16
// rate: not measured yet.
#include "lacos/kernels/cuda/attention/key_side.h"

namespace lacos::cuda {
namespace {

constexpr int kLongThreads = 128;
constexpr int kQueryStep = 32;  // queries that the key side takes at a time

struct LongWork {
  HeadItem item;
  int head = 0;
  GPU_DEVICE explicit LongWork(const HeadArguments& a) {
    item = a.items.items[gpu::Block() / a.heads];
    head = static_cast<int>(gpu::Block() % a.heads);
  }
};

// Calls f(k, v, first key) for tiles 0 to `last` of a text's keys and values, while the next tile is
// copied.
template <int kDim, class F>
GPU_DEVICE void ForKeyTiles(const HeadArguments& a, const LongWork& work, int last, F&& f) {
  constexpr int kTile = kLongRows * kHeadPitch<kDim>;
  auto* const shared = reinterpret_cast<uint16_t*>(gpu::DynamicShared());
  const auto copy = [&](int tile) {
    uint16_t* const to = shared + tile % 2 * 2 * kTile;
    for (int part = 1; part < 3; ++part) {
      CopyHeadRows<kDim>(PartOf(a, work.item.first + tile * kLongRows, work.head, part),
                         a.QkvStride(), work.item.length - tile * kLongRows, kLongRows,
                         gpu::Thread(), kLongThreads, to + (part - 1) * kTile);
    }
  };
  copy(0);
  gpu::CommitCopies();
  for (int tile = 0; tile <= last; ++tile) {
    if (tile < last) copy(tile + 1);
    gpu::CommitCopies();
    gpu::WaitCopies<1>();
    gpu::Barrier();  // the tile has arrived
    const uint16_t* const k = shared + tile % 2 * 2 * kTile;
    f(k, k + kTile, tile * kLongRows);
    gpu::Barrier();  // the tile may be overwritten
  }
}

template <int kDim>
GPU_KERNEL LongForward(HeadArguments a) {
  const LongWork work(a);
  const HeadItem& item = work.item;
  const int query = item.tile * kLongRows + gpu::Warp() * 16;
  const float slope = a.slopes[work.head];
  uint32_t q[kDim / 16][4];
  LoadQueries<kDim>(a, item, work.head, query, q);
  float y[kDim / 16][2][4] = {};
  float largest[2] = {-kInfinity, -kInfinity}, sum[2] = {0, 0};
  ForKeyTiles<kDim>(a, work, item.tile, [&](const uint16_t* k, const uint16_t* v, int key) {
    // 16 keys at a time; those after the last query are left out
    const int tiles = query - key >= kLongRows ? kLongRows / 16 : (query - key) / 16 + 1;
    float score[kLongRows / 16][2][4];
    float next[2] = {largest[0], largest[1]};
    ScoreTiles<kDim>(a, q, k, tiles, query, key, slope, score, next);
    float rescale[2];
    GPU_UNROLL
    for (int h = 0; h < 2; ++h) {
      next[h] = RowMax(next[h]);
      rescale[h] = largest[h] == next[h] ? 1.0f : Exp(largest[h] - next[h]);
      largest[h] = next[h];
      sum[h] *= rescale[h];
    }
    GPU_UNROLL
    for (int c = 0; c < kDim / 16; ++c) {
      GPU_UNROLL
      for (int j = 0; j < 2; ++j) {
        GPU_UNROLL
        for (int r = 0; r < 4; ++r) y[c][j][r] *= rescale[r / 2];
      }
    }
    GPU_UNROLL
    for (int t = 0; t < kLongRows / 16; ++t) {
      if (t >= tiles) continue;
      GPU_UNROLL
      for (int h = 0; h < 2; ++h) {
        GPU_UNROLL
        for (int r = 0; r < 4; ++r) {
          score[t][h][r] = Exp(score[t][h][r] - largest[r / 2]);
          sum[r / 2] += score[t][h][r];
        }
        DropTile(a.dropout, item.first, item.length, work.head, query, key + t * 16 + h * 8,
                 score[t][h]);
      }
      uint32_t p[4];
      PackRows(score[t][0], score[t][1], p);
      GPU_UNROLL
      for (int c = 0; c < kDim / 16; ++c) AddRowsProduct<kDim>(p, v, t * 16, c * 16, y[c]);
    }
  });
  float inverse[2];
  GPU_UNROLL
  for (int h = 0; h < 2; ++h) inverse[h] = gpu::Divide(1.0f, RowSum(sum[h]));
  if (query >= item.length) return;
  GPU_UNROLL
  for (int c = 0; c < kDim / 16; ++c) {
    StoreRowsProduct(
        y[c], inverse, item.length - query, a.OutStride(),
        reinterpret_cast<uint16_t*>(a.y.data) + OutOf(a, item.first + query, work.head) + c * 16);
  }
}

// The scores and the gradients of probabilities of 16 queries and 16 keys.
template <int kDim>
GPU_DEVICE void BackwardTile(const HeadArguments& a, const LongWork& work, float slope, int query,
                             int key, const uint32_t (&q)[kDim / 16][4],
                             const uint32_t (&dy)[kDim / 16][4], const uint16_t* k,
                             const uint16_t* v, int row, float (&score)[2][4], float (&dp)[2][4]) {
  GPU_UNROLL
  for (int h = 0; h < 2; ++h) {
    Dots<kDim>(q, k, row + h * 8, score[h]);
    ScoreTile(score[h], query, key + h * 8, a.scale, slope);
    Dots<kDim>(dy, v, row + h * 8, dp[h]);
    DropTile(a.dropout, work.item.first, work.item.length, work.head, query, key + h * 8, dp[h]);
  }
}

template <int kDim>
GPU_KERNEL LongBackwardQueries(HeadArguments a) {
  const LongWork work(a);
  const HeadItem& item = work.item;
  const int query = item.tile * kLongRows + gpu::Warp() * 16;
  const float slope = a.slopes[work.head];
  uint32_t q[kDim / 16][4], dy[kDim / 16][4];
  LoadQueries<kDim>(a, item, work.head, query, q);
  LoadTextRows<kDim>(reinterpret_cast<const uint16_t*>(a.dy.data) + OutOf(a, item.first, work.head),
                     a.OutStride(), item.length, query, dy);
  float largest[2] = {-kInfinity, -kInfinity}, sum[2] = {0, 0}, mean[2] = {0, 0};
  ForKeyTiles<kDim>(a, work, item.tile, [&](const uint16_t* k, const uint16_t* v, int key) {
    for (int row = 0; row < kLongRows && key + row <= query; row += 16) {
      float score[2][4], dp[2][4];
      BackwardTile<kDim>(a, work, slope, query, key + row, q, dy, k, v, row, score, dp);
      GPU_UNROLL
      for (int half = 0; half < 2; ++half) {
        float next = largest[half];
        GPU_UNROLL
        for (int i = 0; i < 4; ++i) next = fmaxf(next, score[i / 2][half * 2 + i % 2]);
        next = RowMax(next);
        const float rescale = largest[half] == next ? 1.0f : Exp(largest[half] - next);
        largest[half] = next;
        sum[half] *= rescale;
        mean[half] *= rescale;
        GPU_UNROLL
        for (int i = 0; i < 4; ++i) {
          const float e = Exp(score[i / 2][half * 2 + i % 2] - next);
          sum[half] += e;
          mean[half] = gpu::Fma(e, dp[i / 2][half * 2 + i % 2], mean[half]);
        }
      }
    }
  });
  GPU_UNROLL
  for (int half = 0; half < 2; ++half) {
    sum[half] = gpu::Divide(1.0f, RowSum(sum[half]));
    mean[half] = RowSum(mean[half]) * sum[half];
    const int row = query + gpu::Lane() / 4 + half * 8;
    if (gpu::Lane() % 4 == 0 && row < item.length) {
      float* const to =
          a.statistics + (static_cast<int64_t>(item.first + row) * a.heads + work.head) * 3;
      to[0] = largest[half];
      to[1] = sum[half];
      to[2] = mean[half];
    }
  }
  float dq[kDim / 16][2][4] = {};
  ForKeyTiles<kDim>(a, work, item.tile, [&](const uint16_t* k, const uint16_t* v, int key) {
    for (int row = 0; row < kLongRows && key + row <= query; row += 16) {
      float score[2][4], dp[2][4];
      BackwardTile<kDim>(a, work, slope, query, key + row, q, dy, k, v, row, score, dp);
      GPU_UNROLL
      for (int h = 0; h < 2; ++h) {
        GPU_UNROLL
        for (int r = 0; r < 4; ++r) {
          dp[h][r] = Exp(score[h][r] - largest[r / 2]) * sum[r / 2] * (dp[h][r] - mean[r / 2]);
        }
      }
      uint32_t ds[4];
      PackRows(dp[0], dp[1], ds);
      GPU_UNROLL
      for (int c = 0; c < kDim / 16; ++c) AddRowsProduct<kDim>(ds, k, row, c * 16, dq[c]);
    }
  });
  if (query >= item.length) return;
  const float scales[2] = {a.scale, a.scale};
  GPU_UNROLL
  for (int c = 0; c < kDim / 16; ++c) {
    StoreRowsProduct(dq[c], scales, item.length - query, a.QkvStride(),
                     GradientPartOf(a, item.first + query, work.head, 0) + c * 16);
  }
}

template <int kDim>
GPU_KERNEL LongBackwardKeys(HeadArguments a) {
  const LongWork work(a);
  const HeadItem& item = work.item;
  constexpr int kPitch = kHeadPitch<kDim>, kStep = kQueryStep * kPitch;
  auto* const k = reinterpret_cast<uint16_t*>(gpu::DynamicShared());
  uint16_t *const v = k + kLongRows * kPitch, *const steps = v + kLongRows * kPitch;
  const int first = item.tile * kLongRows, key = first + gpu::Warp() * 16;
  const float slope = a.slopes[work.head];
  const auto copy = [&](int query, int stage) {
    uint16_t* const q = steps + stage * 2 * kStep;
    CopyHeadRows<kDim>(PartOf(a, item.first + query, work.head, 0), a.QkvStride(),
                       item.length - query, kQueryStep, gpu::Thread(), kLongThreads, q);
    CopyHeadRows<kDim>(
        reinterpret_cast<const uint16_t*>(a.dy.data) + OutOf(a, item.first + query, work.head),
        a.OutStride(), item.length - query, kQueryStep, gpu::Thread(), kLongThreads, q + kStep);
  };
  for (int part = 1; part < 3; ++part) {
    CopyHeadRows<kDim>(PartOf(a, item.first + first, work.head, part), a.QkvStride(),
                       item.length - first, kLongRows, gpu::Thread(), kLongThreads,
                       part == 1 ? k : v);
  }
  copy(first, 0);
  gpu::CommitCopies();
  KeySide<kDim> side(k, v, gpu::Warp() * 16);
  int stage = 0;
  for (int query = first; query < item.length; query += kQueryStep) {
    if (query + kQueryStep < item.length) copy(query + kQueryStep, 1 - stage);
    gpu::CommitCopies();
    gpu::WaitCopies<1>();
    gpu::Barrier();  // the queries have arrived
    const uint16_t* const q = steps + stage * 2 * kStep;
    for (int row = 0; row < kQueryStep; row += 16) {
      if (query + row < key || query + row >= item.length) continue;
      side.Add(a, item, work.head, slope, key, query + row, q, q + kStep, row, [&](int i) {
        const float* const s =
            a.statistics + (static_cast<int64_t>(item.first + i) * a.heads + work.head) * 3;
        return QueryStatistics{s[0], s[1], s[2]};
      });
    }
    gpu::Barrier();  // they may be overwritten
    stage = 1 - stage;
  }
  if (key < item.length) side.Store(a, item, work.head, key);
}

template <class Kernel>
void LaunchLong(gpu::Stream stream, const HeadArguments& a, int rows, Kernel kernel) {
  gpu::Launch(stream,
              {.blocks = a.items.count * a.heads,
               .threads = kLongThreads,
               .shared = static_cast<size_t>(rows) * static_cast<size_t>(a.dim + 8) * 2},
              kernel, a);
}

}  // namespace

void RunLongAttention(gpu::Stream stream, const HeadArguments& a) {
  WithHeadDim(a.dim, [&](auto dim) { LaunchLong(stream, a, 4 * kLongRows, LongForward<dim()>); });
}

void RunLongAttentionBackward(gpu::Stream stream, const HeadArguments& a) {
  WithHeadDim(a.dim, [&](auto dim) {
    LaunchLong(stream, a, 4 * kLongRows, LongBackwardQueries<dim()>);
    LaunchLong(stream, a, 2 * kLongRows + 4 * kQueryStep, LongBackwardKeys<dim()>);
  });
}

}  // namespace lacos::cuda
