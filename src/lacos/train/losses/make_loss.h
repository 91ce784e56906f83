// The one place that knows all objectives. It leads from a kind to its description and to the loss.
#pragma once

#include <cstdint>
#include <memory>

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeLoss(LossKind kind);

// The loss that the options describe, for vectors of width `dimension`. If options.matryoshka is
// not empty, it is summed over truncated vectors. Throws UserError for Matryoshka dimensions
// outside of 1..dimension.
std::unique_ptr<Loss> MakeLoss(Backend& backend, const LossOptions& options, int64_t dimension);

}  // namespace lacos
