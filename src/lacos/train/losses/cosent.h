// CoSENT: the cosines of a batch's pairs should have the order of their gold scores. Source: Su,
// "CoSENT" (2022).
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeCosent();

}  // namespace lacos
