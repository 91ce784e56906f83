// Ops that compute each element by itself. The arguments are those of Backend's ops.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

void CopyTensor(Context& context, View x, View y);
void FillTensor(Context& context, View y, double value);
void Add(Context& context, View a, View b, View y);
void Gelu(Context& context, View u, View y);
void GeluBackward(Context& context, View dy, View u, View du);
void Dropout(Context& context, View x, const DropoutSpec& dropout, View y);

}  // namespace lacos::cuda
