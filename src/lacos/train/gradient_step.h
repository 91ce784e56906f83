// One batch's loss and gradients: directly, with recomputation, or in chunks (GradCache). All give
// the same bytes.
#pragma once

#include <cstdint>

#include "lacos/model/encoder.h"
#include "lacos/train/losses/loss.h"

namespace lacos {

struct GradientStrategy {
  // Blocks recomputed in backward instead of saved, counted from the bottom.
  int64_t recompute_blocks = 0;
  // 0 = the whole batch at once; else texts are encoded in chunks of about this many tokens, whole
  // leaves each: first without keeping anything, then, with the loss's gradient known, once more
  // with backward. Source: Gao et al., "Scaling deep contrastive learning batch size under memory
  // limited setup" (2021).
  int64_t chunk_tokens = 0;
};

// Writes the gradients of the model's trainable tensors and of the loss's own parameters. `texts`
// has the rows that the loss sees. Without dropout keys rows of equal token ids
// are encoded once: their vectors are the same bytes either way, and their gradients are added in
// row order before they go back.
LossResult GradientStep(Encoder& encoder, Loss& loss, const PackedTexts& texts,
                        const LossBatch& batch, const GradientStrategy& strategy);

}  // namespace lacos
