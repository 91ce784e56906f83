// One transformer block of BLOOM, forward and backward side by side: the backward is the forward
// read upwards.
#pragma once

#include "lacos/nn/layers.h"

namespace lacos {

// What the backward of a block needs: 9 D values a token (and two rstd). Everything else is
// recomputed from these: LayerNorm outputs by ScaleShift, the attention's context from qkv, the
// GELU's output from u.
struct BlockSaved {
  TensorView xhat1;  // [T, D] normalised input of the attention
  TensorView rstd1;  // [T]
  TensorView qkv;    // [T, 3D]
  TensorView xhat2;  // [T, D] normalised input of the MLP
  TensorView rstd2;  // [T]
  TensorView u;      // [T, 4D] input of the GELU
};
BlockSaved AllocateBlockSaved(const PassContext& pass, int64_t hidden);

// h [T, D], residual type, becomes the block's output. `saved` is filled when given.
void BlockForward(const PassContext& pass, const BlockLayer& block, int index, const TensorView& h,
                  const BlockSaved* saved);

// dh [T, D], residual gradient type: the gradient of the block's output becomes that of its input;
// parameter gradients are added to their buffers. With `input_needed` false nothing below the
// lowest trainable part is computed, and dh is undefined.
void BlockBackward(const PassContext& pass, const BlockLayer& block, int index,
                   const BlockSaved& saved, const TensorView& dh, bool input_needed);

}  // namespace lacos
