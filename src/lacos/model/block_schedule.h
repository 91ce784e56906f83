// In which order the passes of an encoder use its blocks: which one comes next, and which one
// stays.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"

namespace lacos {

// What a block is used for.
enum class BlockPhase : uint8_t {
  kForward,      // of a pass without a backward
  kForwardKept,  // of a pass whose backward follows
  kBackward
};

struct BlockUse {
  int64_t layer = 0;
  BlockPhase phase = BlockPhase::kForward;
  bool operator==(const BlockUse&) const = default;
};

// Blocks follow one another upwards, and in a backward downwards again to the lowest one that it
// reaches; then the next pass begins.
struct BlockSchedule {
  int64_t layers = 1;
  int64_t first = 0;       // the block with which a pass begins, 0 to layers - 1
  int64_t lowest = 0;      // the block with which a backward ends; `layers` when it reaches none
  int64_t recomputed = 0;  // blocks below this one run forward again before their backward

  // The use that follows. After a pass that is a forward without a backward, since nobody knows
  // better.
  BlockUse After(BlockUse use) const;
  // Whether the direction turns after this use, so that the same block is used twice in a row: its
  // matrices stay where they are.
  bool TurnsAfter(BlockUse use) const;
  // The orientations in which a use multiplies with the block's matrices, in order.
  std::vector<Orientation> Orientations(BlockUse use) const;
  // The next `most` blocks whose matrices have to be fetched, in the order of their use; a block at
  // which the direction turns is listed once. No more than there are layers.
  std::vector<int64_t> Coming(BlockUse use, int64_t most) const;
};

}  // namespace lacos
