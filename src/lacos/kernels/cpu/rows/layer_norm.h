// LayerNorm over rows. It keeps the values that its backward pass needs: the normalized input and
// the reciprocal of the standard deviation.
#pragma once

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y);
void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate, View dx);

}  // namespace lacos::cpu
