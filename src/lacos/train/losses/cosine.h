// Squared error of each pair's cosine against its gold score.
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeCosine();

}  // namespace lacos
