// Backend's MatMul.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

void MatMul(Context& context, View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
            View y);

}  // namespace lacos::cuda
