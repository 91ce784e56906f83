// Verbs that treat every value alone: sums, GELU, dropout, scale and shift, conversion.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// DropoutSpec as kernels use it.
struct DropoutMask {
  const int64_t* token_keys = nullptr;  // [T]; null = keep everything
  uint32_t site = 0;
  uint32_t threshold = 0;  // an element is dropped when its word is smaller
  float scale = 1;         // of kept elements

  explicit operator bool() const { return token_keys != nullptr; }
};
DropoutMask MaskOf(const DropoutSpec& dropout);

void CopyTensor(V x, V y);
void FillTensor(V y, double value);
void Add(V a, V b, V y);
void Gelu(V u, V y);
void GeluBackward(V dy, V u, V du);
void Dropout(V x, const DropoutSpec& dropout, V y);
void ScaleShift(V xhat, V gamma, V beta, V y);

}  // namespace lacos::cpu
