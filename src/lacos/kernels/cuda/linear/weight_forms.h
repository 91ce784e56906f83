// Kernels that bring a stored frozen matrix to the form that a product reads.
#pragma once

#include <cstdint>

#include "lacos/kernels/cuda/device.h"

namespace lacos::cuda {

// Codes in blocks with one absmax each, in device memory; see QuantizedMatrix.
struct StoredCodes {
  const unsigned char* codes = nullptr;  // [rows, cols]
  int64_t pitch = 0;                     // bytes from row to row
  const float* absmax = nullptr;         // absent: the values are the codes themselves
  const float* map = nullptr;            // [256], or null for linear codes
  int64_t rows = 0, cols = 0, block = 0;
};

// out [rows, pitch] = the values that Decode() of quant/code.h gives, as f32 or rounded to bf16, with
// zeros after each row. `pitch` counts values and is a multiple of 8.
void DecodeCodes(gpu::Stream stream, const StoredCodes& matrix, bool bf16, int64_t pitch,
                 unsigned char* out);

}  // namespace lacos::cuda
