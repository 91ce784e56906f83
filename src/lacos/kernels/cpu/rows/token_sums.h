// Sums over tokens: gradients of LoRA matrices, biases and LayerNorm parameters.
//
// A leaf (TokenLeaves) is summed in row order as one chain a value and then added to y; threads
// share out the columns of y, never its rows of x. So the bytes depend neither on the number of
// threads nor on how leaves come in chunks.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha, View y, Workspace& work);
WorkspaceNeed TokenOuterNeed(View a, View b);
// The sum of x, or of x times other when that is given.
void TokenSum(View x, View other, const TokenLeaves& leaves, View y);

}  // namespace lacos::cpu
