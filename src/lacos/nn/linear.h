// A frozen matrix with low-rank updates: y = x W^T + bias + scale * drop(x) A^T B^T, and its
// backward. The frozen product runs once over all rows; each adapter updates the rows of its texts.
#pragma once

#include "lacos/nn/layers.h"

namespace lacos {

struct LinearForwardOptions {
  DropoutSpec lora_dropout;
  bool gelu = false;      // y = gelu(.)
  TensorView saved_gelu;  // keeps the GELU's input for backward
  TensorView residual;    // added last; may be y
};
// x [T, in] -> y [T, out].
void LinearForward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                   const LinearForwardOptions& options, const TensorView& y);

struct LinearBackwardOptions {
  DropoutSpec lora_dropout;
  // this layer's input was gelu(saved): dx becomes the gradient of the GELU's input
  TensorView saved_gelu;
  bool accumulate = false;  // dx += instead of dx =
};
// Adds the gradients of bias, A and B to their buffers. `x` is the forward's input, needed only
// when LoRA is trained (else absent); one adapter then has all rows. An absent dx stops here:
// nothing below is trained. W itself is frozen and has no gradient.
void LinearBackward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                    const TensorView& dy, const LinearBackwardOptions& options,
                    const TensorView& dx);

}  // namespace lacos
