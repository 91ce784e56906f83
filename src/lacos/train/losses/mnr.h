// Multiple-negatives ranking: a text should be nearest to its own partner among all other texts of
// the batch. Source: Henderson et al., "Efficient natural language response suggestion for smart
// reply" (2017).
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeMnr();

}  // namespace lacos
