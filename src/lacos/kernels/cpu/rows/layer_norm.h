// LayerNorm over rows with what its backward needs: the normalised input and 1 / standard
// deviation.
#pragma once

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y);
void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate, View dx);

}  // namespace lacos::cpu
