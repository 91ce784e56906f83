// Decoding of block-wise codes, and the transpose of a matrix of codes.
//
// DecodeCodes: one thread for each eight values; reads 1 and writes 2 or 4 bytes a weight. It runs
// before each product with a weight whose codes have no single linear scale a row, and before each
// product by cuBLASLt.
// TransposeCodes: one block of 128 threads for each 64 x 64 codes, through shared memory; reads 1 and
// writes 1 byte a weight. It runs before each integer product of the backward pass, unless the
// transposed codes stay in memory. Both save nothing. Share of the copy bandwidth: not measured yet.
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

constexpr int kTransposeSide = 64, kTransposeThreads = 128;
struct TransposeShared {
  // four more bytes a row, so that the codes of a column lie in different banks
  unsigned char code[kTransposeSide][kTransposeSide + 4];
};

GPU_KERNEL TransposeCodesKernel(const unsigned char* codes, int64_t rows, int64_t cols,
                                int64_t pitch, int64_t out_pitch, unsigned char* out) {
  auto& shared = gpu::Shared<TransposeShared>();
  const int64_t tiles = (out_pitch + kTransposeSide - 1) / kTransposeSide;
  const int64_t row = gpu::Block() % tiles * kTransposeSide,
                column = gpu::Block() / tiles * kTransposeSide;
  for (int i = gpu::Thread(); i < kTransposeSide * kTransposeSide / 4; i += kTransposeThreads) {
    const int r = i / (kTransposeSide / 4), c = i % (kTransposeSide / 4) * 4;
    // rows have zeros up to a multiple of 16 bytes
    const bool inside = row + r < rows && column + c < pitch;
    const uint32_t word =
        inside ? *reinterpret_cast<const uint32_t*>(codes + (row + r) * pitch + column + c) : 0u;
    *reinterpret_cast<uint32_t*>(&shared.code[r][c]) = word;
  }
  gpu::Barrier();
  for (int i = gpu::Thread(); i < kTransposeSide * kTransposeSide / 4; i += kTransposeThreads) {
    const int c = i / (kTransposeSide / 4), r = i % (kTransposeSide / 4) * 4;
    if (column + c >= cols || row + r >= out_pitch) continue;
    uint32_t word = 0;
    GPU_UNROLL
    for (int k = 0; k < 4; ++k) word |= uint32_t{shared.code[r + k][c]} << (8 * k);
    *reinterpret_cast<uint32_t*>(out + (column + c) * out_pitch + row + r) = word;
  }
}

}  // namespace

void DecodeCodes(gpu::Stream stream, const StoredCodes& matrix, bool bf16, int64_t pitch,
                 unsigned char* out) {
  const int64_t pieces = matrix.rows * (pitch / 8);
  gpu::Launch(stream,
              {.blocks = (pieces + kDecodeThreads - 1) / kDecodeThreads, .threads = kDecodeThreads},
              DecodeCodesKernel, matrix, bf16, pitch, out);
}

void TransposeCodes(gpu::Stream stream, const unsigned char* codes, int64_t rows, int64_t cols,
                    int64_t pitch, int64_t out_pitch, unsigned char* out) {
  const int64_t tiles = ((out_pitch + kTransposeSide - 1) / kTransposeSide) *
                        ((cols + kTransposeSide - 1) / kTransposeSide);
  gpu::Launch(stream, {.blocks = tiles, .threads = kTransposeThreads}, TransposeCodesKernel, codes,
              rows, cols, pitch, out_pitch, out);
}

}  // namespace lacos::cuda
