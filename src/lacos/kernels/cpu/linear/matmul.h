// General products of small matrices (LoRA, similarity scores): any mix of f32 and bf16, f32
// inside.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

// y [m, n] = alpha op(a) op(b) + beta y; old y is not read when beta is 0. Each element is one
// chain of fused multiply-adds over k in order.
void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta, View y,
            Workspace& work);
WorkspaceNeed MatMulNeed(View a, Transpose ta, View y);

}  // namespace lacos::cpu
