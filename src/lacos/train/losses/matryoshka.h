// The sum of one objective over vectors that are truncated to several numbers of leading
// dimensions. Source: Kusupati et al., "Matryoshka representation learning" (2022).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lacos/train/losses/loss.h"

namespace lacos {

// inner[i] is the objective over the first dimensions[i] values of each vector.
std::unique_ptr<Loss> MakeMatryoshka(Backend& backend, std::vector<int64_t> dimensions,
                                     std::vector<std::unique_ptr<Loss>> inner);

}  // namespace lacos
