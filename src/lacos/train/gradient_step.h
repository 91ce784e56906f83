// The loss and gradients of one batch: directly, with recomputation, or in chunks (GradCache). All
// ways give the same bytes.
#pragma once

#include <cstdint>

#include "lacos/model/encoder.h"
#include "lacos/train/losses/loss.h"

namespace lacos {

struct GradientStrategy {
  // The number of blocks, counted from the bottom, that are recomputed in backward instead of
  // saved.
  int64_t recompute_blocks = 0;
  // 0 for the whole batch at once. Otherwise texts are encoded in chunks of about this many tokens,
  // which consist of whole leaves: first without keeping anything, then, once the loss's gradient
  // is known, again with backward. Source: Gao et al., "Scaling deep contrastive learning batch
  // size under memory limited setup" (2021).
  int64_t chunk_tokens = 0;
};

// Writes the gradients of the model's trainable tensors and of the loss's own parameters. `texts`
// has the rows that the loss sees. Without dropout keys, rows with equal token ids are encoded
// once. Their vectors have the same bytes either way, and their gradients are added in row order
// before backward.
LossResult GradientStep(Encoder& encoder, Loss& loss, const PackedTexts& texts,
                        const LossBatch& batch, const GradientStrategy& strategy);

}  // namespace lacos
