// Causal self-attention with ALiBi within each text, forward and backward.
//
// Three kinds of kernels do it, and the kind depends only on the text's own length, the head's width
// and the types, so that a text has the same bytes in every batch: bf16 tensors with heads of 32, 64,
// 80, 96 or 128 values go to tensor cores, one block for a short text's head (short_attention.cu) or
// one for each 64 rows of a long one (long_attention.cu); everything else is computed in f32
// (f32_attention.cu).
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/attention/heads.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

class Attention {
 public:
  explicit Attention(Context& context) : context_(context) {}

  void Forward(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout, View y);
  void Backward(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout, View dy,
                View dqkv);

 private:
  // The texts of a batch by kind of kernel, on the device. Texts of 0 tokens are left out.
  struct Plan {
    std::vector<int32_t> offsets;  // the batch that the plan is for
    int64_t dim = 0;
    bool tensor_cores = false;
    HeadItems f32, shortest, medium, longer, long_rows;
  };
  const Plan& PlanFor(const TextLayout& layout, int64_t dim, bool tensor_cores, bool backward);
  HeadArguments ArgumentsOf(View qkv, const TextLayout& layout, int heads,
                            const DropoutSpec& dropout);

  Context& context_;
  Plan plans_[2];  // of the forward and the backward pass
  Buffer items_[2];
  Buffer slopes_;
  int slope_heads_ = 0;
};

}  // namespace lacos::cuda
