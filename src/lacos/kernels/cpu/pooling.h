// From token vectors to one vector a text, and back.
#pragma once

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void Pool(V x, V offsets, Pooling pooling, V argmax, V y);
void PoolBackward(V dy, V offsets, Pooling pooling, V argmax, V dx);

}  // namespace lacos::cpu
