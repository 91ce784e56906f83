// The left side of a product in the form that its kernel reads: rows of 8-bit codes with one scale
// each, or rows of bf16 numbers, beginning at multiples of 64 bytes.
#pragma once

#include <cstdint>

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/floats.h"

namespace lacos::cuda {

struct LeftRows {
  DeviceFloats x;                       // [rows, depth]
  const float* column_scale = nullptr;  // [depth], multiplied into x first; may be null
  int32_t rows = 0, depth = 0;
  unsigned char* out = nullptr;  // [rows, pitch] bytes; bytes after a row's values become zeros
  int64_t pitch = 0;             // a multiple of 64
};

// codes[i] = rint(x[i] * column_scale[i] * (127 / absmax)), half to even, and scale[row] = absmax /
// 127, where absmax is the largest magnitude of the row. A row with an absmax below 4e-37 counts as
// zeros. A row with values that are not finite gives zeros and the scale NaN. These are the CPU
// backend's bytes.
void QuantizeRows(gpu::Stream stream, const LeftRows& rows, float* scale);
// The values, times column_scale, rounded to bf16.
void RoundRows(gpu::Stream stream, const LeftRows& rows);

}  // namespace lacos::cuda
