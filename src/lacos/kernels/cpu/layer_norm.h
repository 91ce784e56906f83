// LayerNorm over rows with what its backward needs: the normalised input and 1 / standard deviation.
#pragma once

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void LayerNorm(V x, V gamma, V beta, double eps, V xhat, V rstd, V y);
void LayerNormBackward(V dy, V xhat, V rstd, V gamma, bool accumulate, V dx);

}  // namespace lacos::cpu
