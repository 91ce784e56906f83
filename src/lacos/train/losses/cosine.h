// The squared difference between each pair's cosine and its gold score.
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeCosine();

}  // namespace lacos
