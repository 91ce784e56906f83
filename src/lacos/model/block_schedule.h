// The order in which the passes of an encoder use its blocks: which block comes next, and which one
// stays in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"

namespace lacos {

// What a block is used for.
enum class BlockPhase : uint8_t {
  kForward,      // a forward without a backward
  kForwardKept,  // a forward that a backward follows
  kBackward
};

struct BlockUse {
  int64_t layer = 0;
  BlockPhase phase = BlockPhase::kForward;
  bool operator==(const BlockUse&) const = default;
};

// A forward uses the blocks from the lowest to the highest. A backward goes down again to the
// lowest block that it reaches; then the next pass begins.
struct BlockSchedule {
  int64_t layers = 1;
  int64_t first = 0;       // the block with which a pass begins, 0 to layers - 1
  int64_t lowest = 0;      // the block with which a backward ends; `layers` if it reaches none
  int64_t recomputed = 0;  // blocks below this one run forward again before their backward

  // The use after this one. After the last block of a pass a forward without a backward is assumed,
  // because the next pass is not known.
  BlockUse After(BlockUse use) const;
  // Whether the direction turns after this use. The same block is then used twice in a row, and its
  // matrices stay where they are.
  bool TurnsAfter(BlockUse use) const;
  // The orientations in which this use multiplies with the block's matrices, in order.
  std::vector<Orientation> Orientations(BlockUse use) const;
  // The next `most` blocks whose matrices have to be fetched, in the order of their use, but no
  // more than there are layers. A block at which the direction turns is listed once.
  std::vector<int64_t> Coming(BlockUse use, int64_t most) const;
};

}  // namespace lacos
