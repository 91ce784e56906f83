// Tensors of f32 or bf16 whose type a kernel looks up at each access: for ops on one vector a text,
// which are too small for a kernel of their own for each combination of types.
#pragma once

#include "lacos/kernels/cuda/elements.h"

namespace lacos::cuda {

struct AnyFloats {
  std::byte* data = nullptr;
  bool bf16 = false;

  GPU_DEVICE float Load(int64_t i) const {
    return bf16 ? ToFloat(reinterpret_cast<const BF16*>(data)[i])
                : reinterpret_cast<const float*>(data)[i];
  }
  GPU_DEVICE void Store(int64_t i, float value) const {
    if (bf16) {
      StoreFloat(value, reinterpret_cast<BF16*>(data) + i);
    } else {
      reinterpret_cast<float*>(data)[i] = value;
    }
  }
  // Stores the value, or adds it to the old one.
  GPU_DEVICE void Put(int64_t i, float value, bool accumulate) const {
    Store(i, accumulate ? value + Load(i) : value);
  }
};

inline AnyFloats FloatsOf(const TensorView& x) {
  LACOS_CHECK(!x || x.dtype == DType::kF32 || x.dtype == DType::kBF16,
              "kernels compute on F32 and BF16");
  return {x.data, x.dtype == DType::kBF16};
}

}  // namespace lacos::cuda
