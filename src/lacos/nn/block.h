// One transformer block of BLOOM. Forward and backward stand side by side: the backward pass is the
// forward pass read from bottom to top.
#pragma once

#include "lacos/nn/layers.h"

namespace lacos {

// The values that the backward pass of a block needs: 9 D values for each token, and two rstd.
// Everything else is recomputed from them: LayerNorm outputs by ScaleShift, the context of the
// attention from qkv, the output of the GELU from u.
struct BlockSaved {
  TensorView xhat1;  // [T, D] normalized input of the attention
  TensorView rstd1;  // [T]
  TensorView qkv;    // [T, 3D]
  TensorView xhat2;  // [T, D] normalized input of the MLP
  TensorView rstd2;  // [T]
  TensorView u;      // [T, 4D] input of the GELU

  // The values of the tokens [begin, end), in the same memory.
  BlockSaved Rows(int64_t begin, int64_t end) const;
};
BlockSaved AllocateBlockSaved(const PassContext& pass, int64_t hidden);

// Replaces the input h [T, D] (residual type) by the block's output. Fills `saved` if given.
void BlockForward(const PassContext& pass, const BlockLayer& block, int index, const TensorView& h,
                  const BlockSaved* saved);

// Replaces dh [T, D] (residual gradient type), the gradient of the block's output, by the gradient
// of its input. The gradients of parameters are added to their buffers. If `input_needed` is false,
// nothing below the lowest trainable part is computed, and dh is undefined afterwards.
void BlockBackward(const PassContext& pass, const BlockLayer& block, int index,
                   const BlockSaved& saved, const TensorView& dh, bool input_needed);

}  // namespace lacos
