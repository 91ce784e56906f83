// LayerNorm and its backward pass, and ScaleShift. The arguments are those of Backend's ops.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

void LayerNorm(Context& context, View x, View gamma, View beta, double eps, View xhat, View rstd,
               View y);
void LayerNormBackward(Context& context, View dy, View xhat, View rstd, View gamma, bool accumulate,
                       View dx);
void ScaleShift(Context& context, View xhat, View gamma, View beta, View y);

}  // namespace lacos::cuda
