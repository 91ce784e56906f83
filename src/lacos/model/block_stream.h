// Fetches the matrices of a block before it computes and gives their memory up afterwards.
#pragma once

#include <memory>

#include "lacos/model/block_loader.h"
#include "lacos/model/block_schedule.h"
#include "lacos/model/bloom_model.h"
#include "lacos/model/streaming.h"

namespace lacos {

class BlockStream {
 public:
  explicit BlockStream(BloomModel& model) : model_(model) {}  // The model must outlive the stream.

  // Brings the block's matrices to where the block uses them, starts to read those of coming
  // blocks, and tells the backend which matrices are used next. Rethrows errors of reading.
  void Begin(WeightStreaming streaming, const BlockSchedule& schedule, BlockUse use);
  // Ends a use that was begun with the same arguments. The memory of a streamed block is given up
  // once nothing reads it.
  void End(WeightStreaming streaming, const BlockSchedule& schedule, BlockUse use);
  // Drops all base weights from the kernel's cache; used by measurements.
  void DropBase();

 private:
  void Prepare(const BlockSchedule& schedule, BlockUse use) const;

  BloomModel& model_;
  std::unique_ptr<BlockReader> reader_;  // set when weights are streamed through the kernel's cache
  std::unique_ptr<BlockLoader> loader_;  // set when weights are streamed past the kernel's cache
};

}  // namespace lacos
