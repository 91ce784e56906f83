// Gradients of parameters, summed over tokens. The arguments are those of Backend's ops.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

void TokenOuter(Context& context, View a, View b, const TokenLeaves& leaves, double alpha,
                const GradientSum& y);
// `other` may be absent: TokenSum, else TokenDotSum.
void TokenSum(Context& context, View x, View other, const TokenLeaves& leaves,
              const GradientSum& y);
void ReadGradient(Context& context, const GradientSum& sum, View y);

}  // namespace lacos::cuda
