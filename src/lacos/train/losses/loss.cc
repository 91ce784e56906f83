#include "lacos/train/losses/loss.h"

#include <algorithm>

namespace lacos {

bool LossInputs::Takes(ExampleKind kind) const {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

LossBatch LossInputs::Placeholder(int64_t examples, int64_t rows) const {
  LossBatch batch{.examples = examples, .negatives = rows - 2 * examples};
  if (NeedsLabels()) batch.labels.assign(static_cast<size_t>(examples), 0);
  if (NeedsScores()) batch.scores.assign(static_cast<size_t>(examples), 0.0f);
  return batch;
}

}  // namespace lacos
