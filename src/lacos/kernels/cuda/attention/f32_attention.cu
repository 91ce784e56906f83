// Attention in f32, for f32 tensors and for heads of any width.
//
// Grid: one warp for each token and head, four in a block; in the backward pass once for each query
// and once for each key. Keys (or queries) are taken 32 at a time, one for each lane, which computes
// its scores; then the lanes hold 32 columns of the head each, and add the rows. The softmax is
// rescaled when a larger score appears (Milakov & Gimelshein, 2018). The order is that of the tokens.
// Saves nothing; the backward pass computes the probabilities again and keeps three numbers for each
// query and head. FLOP a token: 4 n D forward and 14 n D backward for texts of n tokens, half of it for
// pairs that causality leaves out in blocks of 32. Bytes: rows are read from cache, 2 n D values a
// token. This is the path to compare with. Share of the f32 rate: not measured yet.
#include "lacos/kernels/cuda/attention/heads.h"
#include "lacos/kernels/cuda/math.h"
#include "lacos/kernels/cuda/reduce.h"

namespace lacos::cuda {
namespace {

constexpr int kWarpsOfBlock = 4;
// Columns that a lane holds at a time. Wider heads take several rounds.
constexpr int kLaneColumns = 4, kRoundColumns = kLaneColumns * gpu::kWarp;

// One row (a query or a key) of one head of a text.
struct HeadRow {
  int64_t first = 0;  // the text's first token
  int length = 0, row = 0, head = 0;
};

// The row of this warp. Items are texts; the grid has one warp for each row up to the longest text.
GPU_DEVICE bool RowOfWarp(const HeadArguments& a, HeadRow& out) {
  const int64_t i = gpu::Block() * kWarpsOfBlock + gpu::Warp();
  const int64_t rows = a.items.longest;
  const int64_t text = i / (rows * a.heads);
  if (text >= a.items.count) return false;
  const HeadItem item = a.items.items[text];
  const auto row = static_cast<int>(i / a.heads % rows);
  out = {item.first, item.length, row, static_cast<int>(i % a.heads)};
  return row < item.length;
}

// The place of part p (0 q, 1 k, 2 v) of a token.
GPU_DEVICE int64_t PartAt(const HeadArguments& a, const HeadRow& r, int token, int part) {
  return (r.first + token) * a.QkvStride() + (static_cast<int64_t>(r.head) * 3 + part) * a.dim;
}
GPU_DEVICE int64_t OutAt(const HeadArguments& a, const HeadRow& r, int token) {
  return (r.first + token) * a.OutStride() + static_cast<int64_t>(r.head) * a.dim;
}

GPU_DEVICE float Dot(DeviceFloats x, int64_t at, DeviceFloats y, int64_t yat, int n) {
  float sum = 0;
  for (int d = 0; d < n; ++d) sum = gpu::Fma(LoadValue(x, at + d), LoadValue(y, yat + d), sum);
  return sum;
}

// The score of a query and a key. The bias is 0 for the query's own key.
GPU_DEVICE float ScoreOf(const HeadArguments& a, const HeadRow& r, int query, int key) {
  const float dot = Dot(a.qkv, PartAt(a, r, query, 0), a.qkv, PartAt(a, r, key, 1), a.dim);
  return gpu::Fma(static_cast<float>(key - query), a.slopes[r.head], dot * a.scale);
}

// The values that the lanes of each warp hand to each other. They have two places, which are used in
// turn: before one is written again, all lanes have passed the barrier of the other.
struct F32AttentionShared {
  float value[2][kWarpsOfBlock][gpu::kWarp];
};

class RowAdder {
 public:
  GPU_DEVICE explicit RowAdder(F32AttentionShared& shared) : shared_(shared) {}

  // sum[c] += the value of lane l times row at(l) of x, for the lanes' columns of this round.
  template <class At>
  GPU_DEVICE void Add(float value, int count, DeviceFloats x, int columns, int round, const At& at,
                      float (&sum)[kLaneColumns]) {
    float* const values = shared_.value[turn_][gpu::Warp()];
    turn_ = 1 - turn_;
    values[gpu::Lane()] = value;
    gpu::WarpBarrier();
    for (int l = 0; l < count; ++l) {
      const int64_t row = at(l);
      GPU_UNROLL
      for (int c = 0; c < kLaneColumns; ++c) {
        const int column = round * kRoundColumns + c * gpu::kWarp + gpu::Lane();
        if (column < columns) sum[c] = gpu::Fma(values[l], LoadValue(x, row + column), sum[c]);
      }
    }
  }

 private:
  F32AttentionShared& shared_;
  int turn_ = 0;
};
GPU_DEVICE void StoreColumns(const float (&sum)[kLaneColumns], float factor, int columns, int round,
                             DeviceFloats y, int64_t at) {
  GPU_UNROLL
  for (int c = 0; c < kLaneColumns; ++c) {
    const int column = round * kRoundColumns + c * gpu::kWarp + gpu::Lane();
    if (column < columns) StoreValue(sum[c] * factor, y, at + column);
  }
}
GPU_DEVICE int Rounds(int columns) { return (columns + kRoundColumns - 1) / kRoundColumns; }

// The largest score so far and the sum of the exponentials relative to it.
struct OnlineSoftmax {
  float largest = -kInfinity, sum = 0;
  // Takes 32 scores, one a lane; lanes from `count` on have none. Returns the lane's exponential, and
  // in `rescale` the factor of what was summed before.
  GPU_DEVICE float Add(float score, int count, float& rescale) {
    const bool mine = gpu::Lane() < count;
    const float most = WarpReduce(mine ? score : -kInfinity, Larger());
    const float next = fmaxf(largest, most);
    // Without a finite score there is nothing to rescale, and infinity - infinity would be NaN.
    rescale = largest == next ? 1.0f : Exp(largest - next);
    largest = next;
    const float e = mine ? Exp(score - largest) : 0.0f;
    sum = gpu::Fma(sum, rescale, WarpReduce(e, Plus()));
    return e;
  }
};

GPU_KERNEL F32Forward(HeadArguments a) {
  HeadRow r;
  if (!RowOfWarp(a, r)) return;
  RowAdder adder(gpu::Shared<F32AttentionShared>());
  const int query = r.row;
  for (int round = 0; round < Rounds(a.dim); ++round) {
    OnlineSoftmax softmax;
    float sum[kLaneColumns] = {};
    for (int key = 0; key <= query; key += gpu::kWarp) {
      const int count = query + 1 - key < gpu::kWarp ? query + 1 - key : gpu::kWarp;
      const int mine = key + gpu::Lane();
      const float score = mine <= query ? ScoreOf(a, r, query, mine) : 0.0f;
      float rescale;
      float e = softmax.Add(score, count, rescale);
      if (mine <= query) e *= KeyFactor(a.dropout, r.first + query, r.head, mine);
      GPU_UNROLL
      for (int c = 0; c < kLaneColumns; ++c) sum[c] *= rescale;
      adder.Add(
          e, count, a.qkv, a.dim, round, [&](int l) { return PartAt(a, r, key + l, 2); }, sum);
    }
    StoreColumns(sum, gpu::Divide(1.0f, softmax.sum), a.dim, round, a.y, OutAt(a, r, query));
  }
}

// The gradient of a probability.
GPU_DEVICE float ProbabilityGradient(const HeadArguments& a, const HeadRow& r, int query, int key) {
  return Dot(a.dy, OutAt(a, r, query), a.qkv, PartAt(a, r, key, 2), a.dim) *
         KeyFactor(a.dropout, r.first + query, r.head, key);
}

// dq, and the statistics of the query.
GPU_KERNEL F32BackwardQueries(HeadArguments a) {
  HeadRow r;
  if (!RowOfWarp(a, r)) return;
  RowAdder adder(gpu::Shared<F32AttentionShared>());
  const int query = r.row;
  OnlineSoftmax softmax;
  float mean = 0;
  for (int key = 0; key <= query; key += gpu::kWarp) {
    const int count = query + 1 - key < gpu::kWarp ? query + 1 - key : gpu::kWarp;
    const int mine = key + gpu::Lane();
    const bool inside = mine <= query;
    float rescale;
    const float e = softmax.Add(inside ? ScoreOf(a, r, query, mine) : 0.0f, count, rescale);
    const float part = inside ? e * ProbabilityGradient(a, r, query, mine) : 0.0f;
    mean = gpu::Fma(mean, rescale, WarpReduce(part, Plus()));
  }
  const float inverse = gpu::Divide(1.0f, softmax.sum);
  mean *= inverse;
  if (gpu::Lane() == 0) {
    float* const to = a.statistics + ((r.first + query) * a.heads + r.head) * 3;
    to[0] = softmax.largest;
    to[1] = inverse;
    to[2] = mean;
  }
  for (int round = 0; round < Rounds(a.dim); ++round) {
    float sum[kLaneColumns] = {};
    for (int key = 0; key <= query; key += gpu::kWarp) {
      const int count = query + 1 - key < gpu::kWarp ? query + 1 - key : gpu::kWarp;
      const int mine = key + gpu::Lane();
      float ds = 0;
      if (mine <= query) {
        const float p = Exp(ScoreOf(a, r, query, mine) - softmax.largest) * inverse;
        ds = p * (ProbabilityGradient(a, r, query, mine) - mean);
      }
      adder.Add(
          ds, count, a.qkv, a.dim, round, [&](int l) { return PartAt(a, r, key + l, 1); }, sum);
    }
    StoreColumns(sum, a.scale, a.dim, round, a.dqkv, PartAt(a, r, query, 0));
  }
}

// dk and dv, from the statistics of all queries.
GPU_KERNEL F32BackwardKeys(HeadArguments a) {
  HeadRow r;
  if (!RowOfWarp(a, r)) return;
  RowAdder adder(gpu::Shared<F32AttentionShared>());
  const int key = r.row;
  for (int round = 0; round < Rounds(a.dim); ++round) {
    float dk[kLaneColumns] = {}, dv[kLaneColumns] = {};
    for (int query = key; query < r.length; query += gpu::kWarp) {
      const int count = r.length - query < gpu::kWarp ? r.length - query : gpu::kWarp;
      const int mine = query + gpu::Lane();
      float p = 0, ds = 0;
      if (mine < r.length) {
        const float* const s = a.statistics + ((r.first + mine) * a.heads + r.head) * 3;
        p = Exp(ScoreOf(a, r, mine, key) - s[0]) * s[1];
        ds = p * (ProbabilityGradient(a, r, mine, key) - s[2]);
        p *= KeyFactor(a.dropout, r.first + mine, r.head, key);
      }
      adder.Add(
          ds, count, a.qkv, a.dim, round, [&](int l) { return PartAt(a, r, query + l, 0); }, dk);
      adder.Add(
          p, count, a.dy, a.dim, round, [&](int l) { return OutAt(a, r, query + l); }, dv);
    }
    StoreColumns(dk, a.scale, a.dim, round, a.dqkv, PartAt(a, r, key, 1));
    StoreColumns(dv, 1.0f, a.dim, round, a.dqkv, PartAt(a, r, key, 2));
  }
}

gpu::Grid RowGrid(const HeadArguments& a) {
  const int64_t warps = a.items.count * a.items.longest * a.heads;
  return {.blocks = CeilDiv(warps, kWarpsOfBlock), .threads = kWarpsOfBlock * gpu::kWarp};
}

}  // namespace

void RunF32Attention(gpu::Stream stream, const HeadArguments& arguments) {
  gpu::Launch(stream, RowGrid(arguments), F32Forward, arguments);
}
void RunF32AttentionBackward(gpu::Stream stream, const HeadArguments& arguments) {
  gpu::Launch(stream, RowGrid(arguments), F32BackwardQueries, arguments);
  gpu::Launch(stream, RowGrid(arguments), F32BackwardKeys, arguments);
}

}  // namespace lacos::cuda
