// Ops that treat every value separately: sums, GELU, dropout, scale and shift, conversion.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// A DropoutSpec in the form that kernels use.
struct DropoutMask {
  const int64_t* token_keys = nullptr;  // [T]; null = keep everything
  uint32_t site = 0;
  uint32_t threshold = 0;  // an element is dropped if its random word is smaller than this
  float scale = 1;         // factor for the elements that are kept

  explicit operator bool() const { return token_keys != nullptr; }
};
DropoutMask MaskOf(const DropoutSpec& dropout);

void CopyTensor(View x, View y);
void FillTensor(View y, double value);
void Add(View a, View b, View y);
void Gelu(View u, View y);
void GeluBackward(View dy, View u, View du);
void Dropout(View x, const DropoutSpec& dropout, View y);
void ScaleShift(View xhat, View gamma, View beta, View y);

}  // namespace lacos::cpu
