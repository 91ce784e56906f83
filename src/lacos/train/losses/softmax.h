// A linear classifier over (u, v, |u - v|), which predicts the three NLI classes. Source: Reimers &
// Gurevych, "Sentence-BERT" (2019).
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeSoftmax();

}  // namespace lacos
