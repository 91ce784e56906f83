// Elements of tensors in kernels: f32 or bf16 in memory, float in registers.
#pragma once

#include <cstdint>

#include "lacos/base/check.h"
#include "lacos/kernels/cuda/device.h"
#include "lacos/tensor/tensor_view.h"

namespace lacos::cuda {

// An element of a bf16 tensor.
struct BF16 {
  uint16_t bits;
};

GPU_DEVICE float ToFloat(float x) { return x; }
GPU_DEVICE float ToFloat(BF16 x) { return gpu::FloatOf(static_cast<uint32_t>(x.bits) << 16); }

// The bits of the nearest bf16 number, half to even; NaN stays NaN.
GPU_DEVICE uint16_t RoundBF16(float x) {
  const uint32_t bits = gpu::Bits(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}
GPU_DEVICE void StoreFloat(float x, float* to) { *to = x; }
GPU_DEVICE void StoreFloat(float x, BF16* to) { to->bits = RoundBF16(x); }

// The value that storing as T and loading again gives.
template <class T>
GPU_DEVICE float RoundedTo(float x);
template <>
GPU_DEVICE float RoundedTo<float>(float x) {
  return x;
}
template <>
GPU_DEVICE float RoundedTo<BF16>(float x) {
  return gpu::FloatOf(static_cast<uint32_t>(RoundBF16(x)) << 16);
}

// Four neighbouring elements. Addresses of packs are multiples of their size.
constexpr int kPack = 4;
struct alignas(16) FloatPack {
  float v[kPack];
};
struct alignas(8) BF16Pack {
  BF16 v[kPack];
};
template <class T>
struct PackOf;
template <>
struct PackOf<float> {
  using Type = FloatPack;
};
template <>
struct PackOf<BF16> {
  using Type = BF16Pack;
};

// Reads kCount (1 or kPack) elements from `x` on.
template <int kCount, class T>
GPU_DEVICE void LoadElements(const T* x, float (&v)[kCount]) {
  if constexpr (kCount == kPack) {
    const auto pack = *reinterpret_cast<const typename PackOf<T>::Type*>(x);
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) v[i] = ToFloat(pack.v[i]);
  } else {
    v[0] = ToFloat(*x);
  }
}
template <int kCount, class T>
GPU_DEVICE void StoreElements(const float (&v)[kCount], T* y) {
  if constexpr (kCount == kPack) {
    typename PackOf<T>::Type pack;
    GPU_UNROLL
    for (int i = 0; i < kCount; ++i) StoreFloat(v[i], &pack.v[i]);
    *reinterpret_cast<typename PackOf<T>::Type*>(y) = pack;
  } else {
    StoreFloat(v[0], y);
  }
}

// --- on the host: typed pointers of tensors

// Calls f(pointer) with the type of the tensor's elements. An absent tensor gives a null float*.
template <class F>
void WithElements(const TensorView& x, F&& f) {
  LACOS_CHECK(!x || x.dtype == DType::kF32 || x.dtype == DType::kBF16,
              "kernels compute on F32 and BF16");
  if (x && x.dtype == DType::kBF16) {
    f(reinterpret_cast<BF16*>(x.data));
  } else {
    f(reinterpret_cast<float*>(x.data));
  }
}
inline float* F32Of(const TensorView& x) {
  LACOS_CHECK(!x || x.dtype == DType::kF32, "this argument is F32");
  return reinterpret_cast<float*>(x.data);
}
inline int32_t* I32Of(const TensorView& x) {
  LACOS_CHECK(!x || x.dtype == DType::kI32, "this argument is I32");
  return reinterpret_cast<int32_t*>(x.data);
}
inline int64_t* I64Of(const TensorView& x) {
  LACOS_CHECK(!x || x.dtype == DType::kI64, "this argument is I64");
  return reinterpret_cast<int64_t*>(x.data);
}
inline uint8_t* U8Of(const TensorView& x) {
  LACOS_CHECK(!x || x.dtype == DType::kU8, "this argument is U8");
  return reinterpret_cast<uint8_t*>(x.data);
}

// Whether rows of `cols` elements of these tensors can be read in packs.
template <class... Views>
bool InPacks(int64_t cols, const Views&... views) {
  const auto aligned = [](const TensorView& x) {
    return reinterpret_cast<uintptr_t>(x.data) % (kPack * SizeOf(x.dtype)) == 0;
  };
  return cols % kPack == 0 && (aligned(views) && ...);
}

// Calls f(std::integral_constant of 4 or 1): the number of elements that a thread takes at once.
template <class F>
void WithPacks(bool in_packs, F&& f) {
  if (in_packs) {
    f(std::integral_constant<int, kPack>());
  } else {
    f(std::integral_constant<int, 1>());
  }
}

inline int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace lacos::cuda
