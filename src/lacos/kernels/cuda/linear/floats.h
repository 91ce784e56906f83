// Device code for eight neighbouring values of a row in f32 or bf16, and for the rounding to bf16.
#pragma once

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/elements.h"

namespace lacos::cuda {

struct alignas(16) Words4 {
  uint32_t word[4];
};
struct alignas(8) Words2 {
  uint32_t word[2];
};

// A pointer to f32 or bf16 values in device memory; null if the tensor is absent.
struct DeviceFloats {
  unsigned char* data = nullptr;
  bool bf16 = false;
};
inline DeviceFloats DeviceFloatsOf(const TensorView& x) {
  LACOS_CHECK(!x || x.dtype == DType::kF32 || x.dtype == DType::kBF16,
              "kernels compute on F32 and BF16");
  return {reinterpret_cast<unsigned char*>(x.data), x.dtype == DType::kBF16};
}

GPU_DEVICE uint32_t ToBF16(float x) { return RoundBF16(x); }
GPU_DEVICE uint32_t ToBF16Pair(float low, float high) { return ToBF16(low) | ToBF16(high) << 16; }
GPU_DEVICE float FromBF16(uint32_t bits) { return gpu::FloatOf(bits << 16); }
GPU_DEVICE float RoundedToBF16(float x) { return FromBF16(ToBF16(x)); }

GPU_DEVICE float LoadValue(DeviceFloats x, int64_t at) {
  return x.bf16 ? FromBF16(reinterpret_cast<const uint16_t*>(x.data)[at])
                : reinterpret_cast<const float*>(x.data)[at];
}
GPU_DEVICE void StoreValue(float value, DeviceFloats y, int64_t at) {
  if (y.bf16) {
    reinterpret_cast<uint16_t*>(y.data)[at] = static_cast<uint16_t>(ToBF16(value));
  } else {
    reinterpret_cast<float*>(y.data)[at] = value;
  }
}

// Moves v[i + 1] to v[i], and v[0] to v[7].
GPU_DEVICE void Rotate(float (&v)[8]) {
  const float first = v[0];
  GPU_UNROLL
  for (int i = 0; i < 7; ++i) v[i] = v[i + 1];
  v[7] = first;
}

// Loads x[at] to x[at + 7]. With `whole` the values are 16-byte aligned; otherwise only the first
// `count` are read, and the others become 0. That loop is rare, and stays a loop for the sake of short
// code: registers have no index, so the values move past one place.
GPU_DEVICE void LoadEight(DeviceFloats x, int64_t at, bool whole, int count, float (&v)[8]) {
  if (!whole) {
    GPU_UNROLL
    for (int i = 0; i < 8; ++i) v[i] = 0;
    GPU_ROLLED
    for (int i = 0; i < 8; ++i) {
      if (i < count) v[0] = LoadValue(x, at + i);
      Rotate(v);
    }
  } else if (x.bf16) {
    const Words4 w = *reinterpret_cast<const Words4*>(x.data + at * 2);
    GPU_UNROLL
    for (int i = 0; i < 8; ++i) v[i] = FromBF16(w.word[i / 2] >> (i % 2 * 16) & 0xFFFFu);
  } else {
    GPU_UNROLL
    for (int half = 0; half < 2; ++half) {
      const Words4 w = *reinterpret_cast<const Words4*>(x.data + at * 4 + half * 16);
      GPU_UNROLL
      for (int i = 0; i < 4; ++i) v[half * 4 + i] = gpu::FloatOf(w.word[i]);
    }
  }
}

// Stores y[at] to y[at + 7], under the same conditions.
GPU_DEVICE void StoreEight(const float (&v)[8], DeviceFloats y, int64_t at, bool whole, int count) {
  if (!whole) {
    float turning[8];
    GPU_UNROLL
    for (int i = 0; i < 8; ++i) turning[i] = v[i];
    GPU_ROLLED
    for (int i = 0; i < 8; ++i) {
      if (i < count) StoreValue(turning[0], y, at + i);
      Rotate(turning);
    }
  } else if (y.bf16) {
    Words4 w;
    GPU_UNROLL
    for (int i = 0; i < 4; ++i) w.word[i] = ToBF16Pair(v[2 * i], v[2 * i + 1]);
    *reinterpret_cast<Words4*>(y.data + at * 2) = w;
  } else {
    GPU_UNROLL
    for (int half = 0; half < 2; ++half) {
      Words4 w;
      GPU_UNROLL
      for (int i = 0; i < 4; ++i) w.word[i] = gpu::Bits(v[half * 4 + i]);
      *reinterpret_cast<Words4*>(y.data + at * 4 + half * 16) = w;
    }
  }
}

}  // namespace lacos::cuda
