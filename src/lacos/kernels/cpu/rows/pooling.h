// From token vectors to one vector for each text, and back.
#pragma once

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y);
void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax, View dx);

}  // namespace lacos::cpu
