// Pooling: one vector for each text. The arguments are those of Backend's ops.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

void Pool(Context& context, View x, const TextLayout& layout, Pooling pooling, View argmax, View y);
void PoolBackward(Context& context, View dy, const TextLayout& layout, Pooling pooling, View argmax,
                  View dx);

}  // namespace lacos::cuda
