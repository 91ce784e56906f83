// Causal self-attention with ALiBi inside each text of a packed batch, forward and backward.
//
// Work is one (text, head) at a time on one thread, from f32 copies of that head's q, k and v: a
// text's result depends on nothing else. Scores are held for a block of queries only, so memory
// grows with a text's length, not its square. The backward recomputes the probabilities from qkv.
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
