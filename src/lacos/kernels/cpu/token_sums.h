// Sums over tokens: gradients of LoRA matrices, biases and LayerNorm parameters.
//
// A leaf (TokenLeaves) is summed in row order as one chain a value and then added to y; threads share out the
// columns of y, never its rows of x. So the bytes depend neither on the number of threads nor on how leaves
// come in chunks.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

void TokenOuter(V a, V b, const TokenLeaves& leaves, double alpha, V y, Workspace& work);
WorkspaceNeed TokenOuterNeed(V a, V b);
// The sum of x, or of x times other when that is given.
void TokenSum(V x, V other, const TokenLeaves& leaves, V y);

}  // namespace lacos::cpu
