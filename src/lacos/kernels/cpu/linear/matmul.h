// General products of small matrices (LoRA, similarity scores), f32 or bf16, computed in f32.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

// y [m, n] = alpha op(a) op(b) + beta y. The old y is not read if beta is 0. Each element is one
// chain of fused multiply-adds over k in order.
void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta, View y,
            Workspace& work);
WorkspaceNeed MatMulNeed(View a, Transpose ta, View y);

}  // namespace lacos::cpu
