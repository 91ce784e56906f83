// AnglE: CoSENT's order with a similarity of complex vectors, whose gradient does not vanish where
// the cosine is near 1 or -1. Source: Li & Li, "AnglE-optimized text embeddings" (arXiv 2309.12871,
// 2023).
#pragma once

#include "lacos/train/losses/loss.h"

namespace lacos {

LossDescription DescribeAngle();

}  // namespace lacos
