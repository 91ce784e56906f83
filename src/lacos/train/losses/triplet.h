// The triplet loss with Euclidean distances: an anchor should be nearer to its positive than to its
// negative, by a margin. Source: Reimers & Gurevych, "Sentence-BERT" (2019).
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeTriplet();

}  // namespace lacos
