// Pooling without the prompt, as instruction-tuned models of sentence-transformers ask for
// (include_prompt: false): the prompt steers the tokens after it through attention, but is no part
// of the mean.
#pragma once

#include <cstdint>

#include "lacos/model/encoder.h"

namespace lacos {

// vectors [N, D] residual type: the texts' tokens from number `skipped` on, pooled as the encoder's
// options say; position weights count from the text's first token all the same. A text without such
// tokens gets zeros, or under kCls its first token, as in sentence-transformers. No backward.
void PoolAfterPrompt(Encoder& encoder, const PackedTexts& texts, int64_t skipped,
                     const TensorView& vectors);

}  // namespace lacos
