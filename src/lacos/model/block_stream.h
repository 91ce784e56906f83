// What happens to a block's matrices around its computation: fetched before, given up afterwards.
#pragma once

#include <memory>

#include "lacos/model/block_loader.h"
#include "lacos/model/block_schedule.h"
#include "lacos/model/bloom_model.h"
#include "lacos/model/streaming.h"

namespace lacos {

class BlockStream {
 public:
  explicit BlockStream(BloomModel& model) : model_(model) {}  // must outlive the stream

  // Has the block's matrices where it may use them, those of coming blocks read meanwhile, and the
  // backend told which are used next. Throws what reading threw.
  void Begin(WeightStreaming streaming, const BlockSchedule& schedule, BlockUse use);
  // The block has been used as Begin was told: where it is streamed, its memory is given up once
  // nothing reads it.
  void End(WeightStreaming streaming, const BlockSchedule& schedule, BlockUse use);
  // For measurements: drops the whole base from the kernel's cache.
  void DropBase();

 private:
  void Prepare(const BlockSchedule& schedule, BlockUse use) const;

  BloomModel& model_;
  std::unique_ptr<BlockReader> reader_;  // where weights are streamed through the kernel's cache
  std::unique_ptr<BlockLoader> loader_;  // where they are streamed past it
};

}  // namespace lacos
