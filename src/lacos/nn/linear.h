// A frozen matrix with low-rank updates: y = x W^T + bias + scale * drop(x) A^T B^T, and its
// backward. The frozen product runs once over all rows; each adapter updates the rows of its texts.
#pragma once

#include "lacos/nn/layers.h"

namespace lacos {

struct LinearForwardOptions {
  DropoutSpec lora_dropout;
  bool gelu = false;      // apply GELU to the result
  TensorView saved_gelu;  // receives the input of the GELU, for the backward pass
  TensorView residual;    // added last; may be y
};
// Computes y [T, out] from x [T, in].
void LinearForward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                   const LinearForwardOptions& options, const TensorView& y);

struct LinearBackwardOptions {
  DropoutSpec lora_dropout;
  // if given, the input of this layer was gelu(saved_gelu), and dx becomes the
  // gradient of the GELU's input
  TensorView saved_gelu;
  bool accumulate = false;  // dx += ... instead of dx = ...
};
// Adds the gradients of bias, A and B to their buffers. `x` is the input of the forward pass; it is
// needed only if LoRA is trained (one adapter then has all rows) and is absent otherwise. If dx is
// absent, its computation is skipped because nothing below this layer is trained. W itself is
// frozen and has no gradient.
void LinearBackward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                    const TensorView& dy, const LinearBackwardOptions& options,
                    const TensorView& dx);

}  // namespace lacos
