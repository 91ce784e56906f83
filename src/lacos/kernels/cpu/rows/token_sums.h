// Sums over tokens: gradients of LoRA matrices, biases and LayerNorm parameters.
//
// A leaf (TokenLeaves) is summed in row order, as one chain of f32 additions for each value,
// whatever the number of threads: threads divide the columns of y among themselves, never
// the rows of x. The sum of a leaf is then added to y as an integer, so leaves may come in
// any chunks and any order.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha, const GradientSum& y,
                Workspace& work);
WorkspaceNeed TokenOuterNeed(View a, View b);
// Sums x, or x times `other` if that is given.
void TokenSum(View x, View other, const TokenLeaves& leaves, const GradientSum& y);
void ReadGradient(const GradientSum& sum, View y);

}  // namespace lacos::cpu
