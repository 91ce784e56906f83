// Pooling that leaves the prompt out, which instruction-tuned models of sentence-transformers
// request with include_prompt: false. The prompt influences the tokens after it through attention
// but is not part of the mean.
#pragma once

#include <cstdint>

#include "lacos/model/encoder.h"

namespace lacos {

// Sets `vectors` [N, D] (residual type) to the pooled tokens of each text from number `skipped` on,
// with the encoder's pooling. Position weights still count from the first token of the text. A text
// without such tokens gets zeros, or its first token under kCls, as in sentence-transformers. There
// is no backward.
void PoolAfterPrompt(Encoder& encoder, const PackedTexts& texts, int64_t skipped,
                     const TensorView& vectors);

}  // namespace lacos
