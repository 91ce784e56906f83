// Multiple-negatives ranking: a text's own partner among all other texts of its batch. Source:
// Henderson et al., "Efficient natural language response suggestion for smart reply" (2017).
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeMnr();

}  // namespace lacos
