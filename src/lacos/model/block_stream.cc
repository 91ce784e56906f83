#include "lacos/model/block_stream.h"

namespace lacos {

void BlockStream::Begin(WeightStreaming streaming, const BlockSchedule& schedule, BlockUse use) {
  if (streaming == WeightStreaming::kKeepCached) {
    if (reader_ == nullptr) reader_ = std::make_unique<BlockReader>(model_);
    reader_->Request(schedule.Coming(use, reader_->ahead()));
  } else if (streaming == WeightStreaming::kDropCached) {
    if (loader_ == nullptr) loader_ = std::make_unique<BlockLoader>(model_);
    loader_->Use(use.layer, schedule.Coming(use, 1).front());
    // The matrices of the next block have no place in memory yet; those of this block were
    // just read.
    return Prepare(schedule, use);
  }
  Prepare(schedule, schedule.After(use));
}

void BlockStream::Prepare(const BlockSchedule& schedule, BlockUse use) const {
  for (const Orientation orientation : schedule.Orientations(use)) {
    model_.PrepareBlock(use.layer, orientation);
  }
}

void BlockStream::End(WeightStreaming streaming, const BlockSchedule& schedule, BlockUse use) {
  if (streaming == WeightStreaming::kDropCached) {
    loader_->Release(use.layer);
  } else if (streaming == WeightStreaming::kKeepCached && !schedule.TurnsAfter(use)) {
    model_.AwaitBlockMemory(use.layer);
    model_.DropBlock(use.layer, /*from_cache=*/false);
    reader_->Dropped(use.layer);
  }
}

void BlockStream::DropBase() {
  if (reader_ != nullptr) reader_->Request({});
  if (loader_ != nullptr) loader_->Forget();
  for (int64_t i = 0; i < model_.config().layers; ++i) {
    model_.DropBlock(i, /*from_cache=*/true);
    if (reader_ != nullptr) reader_->Dropped(i);
  }
}

}  // namespace lacos
