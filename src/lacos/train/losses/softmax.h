// The three NLI classes from a linear classifier over (u, v, |u - v|). Source: Reimers & Gurevych,
// "Sentence-BERT" (2019).
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeSoftmax();

}  // namespace lacos
