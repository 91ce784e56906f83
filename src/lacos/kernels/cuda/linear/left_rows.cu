// Rows of activations or gradients as codes or bf16 numbers.
//
// Grid: QuantizeRows has one block of 128 threads for each row, which reads the row twice, the second
// time from cache; RoundRows has one thread for each eight values. Both save nothing. Bytes a value: 2 or
// 4 read, 1 or 2 written. FLOP a value: QuantizeRows 3, RoundRows 1, and one more where columns have
// scales; so the time is that of the bytes. Share of the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/linear/left_rows.h"

namespace lacos::cuda {
namespace {

constexpr int kQuantizeThreads = 128, kRoundThreads = 128;

// Eight values of a row from `at` on, scaled, with zeros from the end of the row on.
GPU_DEVICE void LoadScaled(const LeftRows& r, int row, int at, float (&v)[8]) {
  const int count = r.depth - at;
  const bool whole = count >= 8 && r.depth % 8 == 0;
  LoadEight(r.x, static_cast<int64_t>(row) * r.depth + at, whole, count, v);
  if (r.column_scale == nullptr) return;
  GPU_UNROLL
  for (int i = 0; i < 8; ++i) {
    if (i < count) v[i] *= r.column_scale[at + i];
  }
}

struct QuantizeShared {
  int32_t largest[kQuantizeThreads / gpu::kWarp];
};

GPU_KERNEL QuantizeRowsKernel(LeftRows r, float* scale) {
  auto& shared = gpu::Shared<QuantizeShared>();
  const auto row = static_cast<int>(gpu::Block());
  // The bits of magnitudes are ordered like integers, with NaN above infinity.
  int32_t largest = 0;
  for (int at = gpu::Thread() * 8; at < r.depth; at += kQuantizeThreads * 8) {
    float v[8];
    LoadScaled(r, row, at, v);
    GPU_UNROLL
    for (int i = 0; i < 8; ++i) {
      const auto bits = static_cast<int32_t>(gpu::Bits(v[i]) & 0x7FFFFFFFu);
      largest = bits > largest ? bits : largest;
    }
  }
  GPU_UNROLL
  for (int mask = gpu::kWarp / 2; mask > 0; mask /= 2) {
    const int32_t other = gpu::ShuffleXor(largest, mask);
    largest = other > largest ? other : largest;
  }
  if (gpu::Lane() == 0) shared.largest[gpu::Warp()] = largest;
  gpu::Barrier();
  GPU_UNROLL
  for (int w = 0; w < kQuantizeThreads / gpu::kWarp; ++w) {
    largest = shared.largest[w] > largest ? shared.largest[w] : largest;
  }
  constexpr uint32_t kInfinity = 0x7F800000u;
  const float absmax = gpu::FloatOf(static_cast<uint32_t>(largest));
  const float factor = gpu::Divide(127.0f, absmax);
  const bool finite = static_cast<uint32_t>(largest) < kInfinity;
  const bool zeros = !finite || gpu::Bits(factor) >= kInfinity;
  if (gpu::Thread() == 0) {
    scale[row] = !finite ? gpu::FloatOf(0x7FC00000u) : zeros ? 0.0f : gpu::Divide(absmax, 127.0f);
  }
  unsigned char* const out = r.out + row * r.pitch;
  for (int at = gpu::Thread() * 8; at < r.pitch; at += kQuantizeThreads * 8) {
    Words2 codes = {{0, 0}};
    if (!zeros && at < r.depth) {
      float v[8];
      LoadScaled(r, row, at, v);
      GPU_UNROLL
      for (int i = 0; i < 8; ++i) {
        const auto code = static_cast<int32_t>(gpu::Round(v[i] * factor));
        codes.word[i / 4] |= (static_cast<uint32_t>(code) & 0xFFu) << (i % 4 * 8);
      }
    }
    *reinterpret_cast<Words2*>(out + at) = codes;
  }
}

GPU_KERNEL RoundRowsKernel(LeftRows r) {
  const int64_t pieces = r.pitch / 16;
  const int64_t i = gpu::Block() * kRoundThreads + gpu::Thread();
  if (i >= r.rows * pieces) return;
  const auto row = static_cast<int>(i / pieces);
  const auto at = static_cast<int>(i % pieces) * 8;
  float v[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  if (at < r.depth) LoadScaled(r, row, at, v);
  StoreEight(v, {r.out, true}, row * (r.pitch / 2) + at, true, 8);
}

}  // namespace

void QuantizeRows(gpu::Stream stream, const LeftRows& rows, float* scale) {
  gpu::Launch(stream, {.blocks = rows.rows, .threads = kQuantizeThreads}, QuantizeRowsKernel, rows,
              scale);
}
void RoundRows(gpu::Stream stream, const LeftRows& rows) {
  const int64_t pieces = rows.rows * (rows.pitch / 16);
  gpu::Launch(stream,
              {.blocks = (pieces + kRoundThreads - 1) / kRoundThreads, .threads = kRoundThreads},
              RoundRowsKernel, rows);
}

}  // namespace lacos::cuda
