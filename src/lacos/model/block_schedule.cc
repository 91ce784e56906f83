#include "lacos/model/block_schedule.h"

#include <algorithm>

namespace lacos {

BlockUse BlockSchedule::After(BlockUse use) const {
  const BlockUse next_pass{.layer = first, .phase = BlockPhase::kForward};
  if (use.phase == BlockPhase::kBackward) {
    return use.layer > lowest ? BlockUse{use.layer - 1, use.phase} : next_pass;
  }
  if (use.layer + 1 < layers) return {use.layer + 1, use.phase};
  const bool backward_follows = use.phase == BlockPhase::kForwardKept && lowest < layers;
  return backward_follows ? BlockUse{use.layer, BlockPhase::kBackward} : next_pass;
}

bool BlockSchedule::TurnsAfter(BlockUse use) const {
  const BlockUse next = After(use);
  const bool turns = (use.phase == BlockPhase::kBackward) != (next.phase == BlockPhase::kBackward);
  return turns && next.layer == use.layer;
}

std::vector<Orientation> BlockSchedule::Orientations(BlockUse use) const {
  if (use.phase != BlockPhase::kBackward) return {Orientation::kForward};
  if (use.layer >= recomputed) return {Orientation::kBackward};
  return {Orientation::kForward, Orientation::kBackward};
}

std::vector<int64_t> BlockSchedule::Coming(BlockUse use, int64_t most) const {
  std::vector<int64_t> coming;
  for (const auto count = static_cast<size_t>(std::min(most, layers)); coming.size() < count;) {
    const bool stays = TurnsAfter(use);
    use = After(use);
    if (!stays) coming.push_back(use.layer);
  }
  return coming;
}

}  // namespace lacos
