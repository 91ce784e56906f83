#include "lacos/kernels/cuda/emulator/warp_matrix.h"

#include "lacos/kernels/cuda/emulator/sanitizers.h"

namespace lacos::cuda::emulator {

LACOS_NO_THREAD_SANITIZER void MultiplyWarp(gpu::MmaS8* const (&lanes)[gpu::kWarp]) {
  int8_t a[16][32], b[32][8];
  for (int lane = 0; lane < gpu::kWarp; ++lane) {
    const gpu::MmaS8& m = *lanes[lane];
    const int group = lane / 4, in = lane % 4;
    for (int k = 0; k < 4; ++k) {
      for (int r = 0; r < 4; ++r)
        a[group + r % 2 * 8][in * 4 + k + r / 2 * 16] = static_cast<int8_t>(m.a[r] >> (8 * k));
      for (int r = 0; r < 2; ++r)
        b[in * 4 + k + r * 16][group] = static_cast<int8_t>(m.b[r] >> (8 * k));
    }
  }
  int32_t sum[16][8] = {};
  for (int row = 0; row < 16; ++row) {
    for (int k = 0; k < 32; ++k) {
      for (int column = 0; column < 8; ++column) sum[row][column] += a[row][k] * b[k][column];
    }
  }
  for (int lane = 0; lane < gpu::kWarp; ++lane) {
    gpu::MmaS8& m = *lanes[lane];
    for (int r = 0; r < 4; ++r) {
      const int32_t value = sum[lane / 4 + r / 2 * 8][lane % 4 * 2 + r % 2];
      m.c[r] = static_cast<int32_t>(static_cast<uint32_t>(m.c[r]) + static_cast<uint32_t>(value));
    }
  }
}

LACOS_NO_THREAD_SANITIZER void MultiplyWarp(gpu::MmaBF16* const (&lanes)[gpu::kWarp]) {
  float a[16][16], b[16][8];
  for (int lane = 0; lane < gpu::kWarp; ++lane) {
    const gpu::MmaBF16& m = *lanes[lane];
    const int group = lane / 4, in = lane % 4;
    for (int k = 0; k < 2; ++k) {
      for (int r = 0; r < 4; ++r)
        a[group + r % 2 * 8][in * 2 + k + r / 2 * 8] = gpu::FloatOf(m.a[r] >> (16 * k) << 16);
      for (int r = 0; r < 2; ++r)
        b[in * 2 + k + r * 8][group] = gpu::FloatOf(m.b[r] >> (16 * k) << 16);
    }
  }
  float c[16][8];
  for (int lane = 0; lane < gpu::kWarp; ++lane) {
    for (int r = 0; r < 4; ++r) c[lane / 4 + r / 2 * 8][lane % 4 * 2 + r % 2] = lanes[lane]->c[r];
  }
  for (int row = 0; row < 16; ++row) {
    for (int k = 0; k < 16; ++k) {
      for (int column = 0; column < 8; ++column) c[row][column] += a[row][k] * b[k][column];
    }
  }
  for (int lane = 0; lane < gpu::kWarp; ++lane) {
    for (int r = 0; r < 4; ++r) lanes[lane]->c[r] = c[lane / 4 + r / 2 * 8][lane % 4 * 2 + r % 2];
  }
}

void CopyChunk(std::byte* to, const std::byte* from) {
  for (int i = 0; i < 16; ++i) to[i] = from[i];
}

}  // namespace lacos::cuda::emulator
