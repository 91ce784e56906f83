// Causal self-attention with ALiBi inside each text of a packed batch, forward and backward.
//
// One thread computes one (text, head) pair at a time from f32 copies of the head's q, k and v, so
// the result of a text depends on nothing else. Scores are kept for one block of queries only, so
// memory grows with the length of a text and not with its square. The backward pass recomputes the
// probabilities from qkv.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                    View y, Workspace& work);
void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                            const DropoutSpec& dropout, View dy, View dqkv, Workspace& work);
WorkspaceNeed AttentionNeed(View qkv, const TextLayout& layout, int heads, bool backward);

}  // namespace lacos::cpu
