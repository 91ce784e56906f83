// The one place that knows every objective: from its kind to its description and to the loss itself.
#pragma once

#include <cstdint>
#include <memory>

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeLoss(LossKind kind);

// The loss that the options describe, for vectors of width `dimension`, summed over truncated
// vectors where options.matryoshka says so. Throws UserError for Matryoshka dimensions outside of
// 1..dimension.
std::unique_ptr<Loss> MakeLoss(Backend& backend, const LossOptions& options, int64_t dimension);

}  // namespace lacos
