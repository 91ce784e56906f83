// The optimizer's updates, with the bytes of kernels/adam.h, and the gradient norm. The arguments are
// those of Backend's ops.
#pragma once

#include <span>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

// The tables of the dynamic 8-bit codes in the device's memory.
class CodeTables {
 public:
  struct Pointers {
    const float* map[2];     // [256] the values of the signed and the unsigned codes
    const uint8_t* grid[2];  // [65536] the code of each point of the grid
  };
  // Uploads the tables at the first call.
  Pointers On(Context& context);
  size_t Bytes() const { return buffer_.size(); }

 private:
  Buffer buffer_;
};

void SumSquares(Context& context, std::span<const TensorView> x, View out, View nonfinite);
void Adam8(Context& context, CodeTables& tables, const AdamStep& step, View gradient,
           const Adam8State& state, View parameter);
void Adam(Context& context, const AdamStep& step, View gradient, const AdamState& state,
          View parameter);

}  // namespace lacos::cuda
