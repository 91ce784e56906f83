// Decoding of codes to f32 or bf16 values.
//
// Grid: one thread for each eight values, 128 threads a block. Saves nothing. Bytes a weight: 1 read, 2
// or 4 written. FLOP a weight: 2 at most. It runs before each product with a weight whose codes have no
// single linear scale a row, and before each product by cuBLASLt. Share of the copy bandwidth: not
// measured yet.
#include "lacos/kernels/cuda/linear/weight_forms.h"

#include "lacos/kernels/cuda/linear/floats.h"

namespace lacos::cuda {
namespace {

constexpr int kDecodeThreads = 128;
constexpr float kTinyAbsmax = 0x1p-99f;  // see quant/code.cc

GPU_DEVICE float DecodeCode(const StoredCodes& m, unsigned char code, float absmax) {
  if (m.map != nullptr) return m.map[code] * absmax;
  const auto value = static_cast<float>(static_cast<int8_t>(code));
  if (m.absmax == nullptr) return value;
  if (absmax < kTinyAbsmax)
    return static_cast<float>(static_cast<double>(value) * static_cast<double>(absmax) / 127.0);
  return value * gpu::Divide(absmax, 127.0f);
}

GPU_KERNEL DecodeCodesKernel(StoredCodes m, bool bf16, int64_t pitch, unsigned char* out) {
  const int64_t pieces = pitch / 8;
  const int64_t i = gpu::Block() * kDecodeThreads + gpu::Thread();
  if (i >= m.rows * pieces) return;
  const int64_t row = i / pieces, column = i % pieces * 8;
  const int64_t first = row * m.cols + column;
  const int64_t count = m.cols - column;
  float v[8];
  int64_t block = m.absmax != nullptr ? first / m.block : 0;
  const bool scaled = m.absmax != nullptr;
  float absmax = scaled && count > 0 ? m.absmax[block] : 0.0f;
  int64_t end = (block + 1) * m.block;
  GPU_UNROLL
  for (int k = 0; k < 8; ++k) {
    v[k] = 0;
    if (k >= count) continue;
    if (scaled && first + k >= end) {
      block = (first + k) / m.block;
      absmax = m.absmax[block];
      end = (block + 1) * m.block;
    }
    v[k] = DecodeCode(m, m.codes[row * m.pitch + column + k], absmax);
  }
  StoreEight(v, {out, bf16}, row * pitch + column, true, 8);
}

}  // namespace

void DecodeCodes(gpu::Stream stream, const StoredCodes& matrix, bool bf16, int64_t pitch,
                 unsigned char* out) {
  const int64_t pieces = matrix.rows * (pitch / 8);
  gpu::Launch(stream,
              {.blocks = (pieces + kDecodeThreads - 1) / kDecodeThreads, .threads = kDecodeThreads},
              DecodeCodesKernel, matrix, bf16, pitch, out);
}

}  // namespace lacos::cuda
