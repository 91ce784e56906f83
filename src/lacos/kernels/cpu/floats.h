// A kernel's view of a tensor of f32 or bf16 values: an address, and which of the two types it is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lacos/base/check.h"
#include "lacos/tensor/tensor_view.h"

namespace lacos::cpu {

// Read-only values. bf16 values are represented by their bits.
struct ConstFloats {
  const std::byte* data = nullptr;
  bool bf16 = false;

  explicit operator bool() const { return data != nullptr; }
  const float* f32() const { return reinterpret_cast<const float*>(data); }
  const uint16_t* bits() const { return reinterpret_cast<const uint16_t*>(data); }
  // The values from element `i` on.
  ConstFloats At(int64_t i) const {
    return {data == nullptr ? nullptr : data + i * (bf16 ? 2 : 4), bf16};
  }
};

struct Floats {
  std::byte* data = nullptr;
  bool bf16 = false;

  explicit operator bool() const { return data != nullptr; }
  float* f32() const { return reinterpret_cast<float*>(data); }
  uint16_t* bits() const { return reinterpret_cast<uint16_t*>(data); }
  Floats At(int64_t i) const {
    return {data == nullptr ? nullptr : data + i * (bf16 ? 2 : 4), bf16};
  }
  // NOLINTNEXTLINE(google-explicit-constructor): values that may be written may also be read
  operator ConstFloats() const { return {data, bf16}; }
};

inline Floats FloatsOf(const TensorView& t) {
  LACOS_CHECK(!t || t.dtype == DType::kF32 || t.dtype == DType::kBF16,
              "the CPU backend computes on F32 and BF16");
  return {t.data, t.dtype == DType::kBF16};
}
inline ConstFloats FloatsOf(const float* data) {
  return {reinterpret_cast<const std::byte*>(data), false};
}
inline Floats FloatsOf(float* data) { return {reinterpret_cast<std::byte*>(data), false}; }

// The elements of an F32 tensor (F32Of) or I32 tensor (I32Of), or null if it is absent.
inline float* F32Of(const TensorView& t) {
  LACOS_CHECK(!t || t.dtype == DType::kF32, "this argument is F32");
  return reinterpret_cast<float*>(t.data);
}
inline int32_t* I32Of(const TensorView& t) {
  LACOS_CHECK(!t || t.dtype == DType::kI32, "this argument is I32");
  return reinterpret_cast<int32_t*>(t.data);
}

}  // namespace lacos::cpu
