// The epilogue of a product with a frozen weight: the operations on a finished tile before it is
// stored, in one pass while the tile is in cache.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// A tile [rows, cols] of f32 sums. Every pointer points to the tile's first element in its tensor,
// and is null if the tensor is absent.
struct ForwardTile {
  int64_t rows = 0, cols = 0;
  const float* sums = nullptr;  // [rows, cols]
  // [cols], scales of the weight's rows, by which the sums are multiplied
  const float* row_scale = nullptr;
  ConstFloats bias;               // [cols]
  const float* lora_z = nullptr;  // [rows, rank], contiguous
  const float* lora_b = nullptr;  // [rank, cols], contiguous
  int64_t rank = 0;
  float lora_scale = 1;
  bool gelu = false;
  bool round_gelu = false;  // the input of the GELU is rounded to bf16 first
  Floats saved_gelu;        // stride `stride`
  ConstFloats residual;     // stride `stride`
  Floats y;                 // stride `stride`
  int64_t stride = 0;       // elements between the rows of saved_gelu, residual and y
};

struct BackwardTile {
  int64_t rows = 0, cols = 0;
  const float* sums = nullptr;     // [rows, cols]
  const float* lora_dz = nullptr;  // [rows, rank]
  const float* lora_a = nullptr;   // [rank, cols]
  int64_t rank = 0;
  float lora_scale = 1;
  ConstFloats saved_gelu;  // stride `stride`
  bool accumulate = false;
  Floats dx;  // stride `stride`
  int64_t stride = 0;
};

void FinishTile(const ForwardTile& tile);
void FinishTile(const BackwardTile& tile);

}  // namespace lacos::cpu
