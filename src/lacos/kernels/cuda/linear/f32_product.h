// Products in f32: frozen weights in f32 mode, and MatMul of all modes.
#pragma once

#include <cstdint>

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/epilogue.h"

namespace lacos::cuda {

// A matrix of f32 or bf16 values: element (i, j) is data[i * row_step + j * column_step].
struct StridedMatrix {
  DeviceFloats values;
  int64_t row_step = 0, column_step = 0;
};

// Each sum is one chain of fused multiply-adds in the order of the depth, so a row of the result
// depends on its own row of `left` and on `right` alone.
struct F32ProductArguments {
  StridedMatrix left;   // [rows, depth]
  StridedMatrix right;  // [depth, columns]
  int32_t rows = 0, columns = 0, depth = 0;
};
void RunF32Product(gpu::Stream stream, const F32ProductArguments& p, const EpilogueArguments& e);

// The epilogue of sums [rows, columns] that another kernel computed.
void RunEpilogue(gpu::Stream stream, const float* sums, int rows, int columns,
                 const EpilogueArguments& e);

// y [rows, columns] = alpha left right + beta y, where the old y is not read if beta is 0.
void RunMatMul(gpu::Stream stream, const F32ProductArguments& p, float alpha, float beta,
               DeviceFloats y);

}  // namespace lacos::cuda
