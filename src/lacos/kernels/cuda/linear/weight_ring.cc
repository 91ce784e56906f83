#include "lacos/kernels/cuda/linear/weight_ring.h"

#include <utility>

#include "lacos/base/check.h"

namespace lacos::cuda {

WeightRing::~WeightRing() {
  if (stream_ == nullptr || !context_.OwnsDevice()) return;
  Runtime& runtime = context_.runtime();
  runtime.Synchronize(stream_);
  runtime.DestroyEvent(ops_done_);
  runtime.DestroyEvent(copies_done_);
  runtime.DestroyStream(stream_);
}

void WeightRing::Reserve(size_t bytes) {
  for (const Entry& entry : entries_) entry.leave();
  entries_.clear();
  head_ = 0;
  memory_ = {};
  memory_ = context_.Allocate(bytes);
  if (context_.dry() || stream_ != nullptr) return;
  Runtime& runtime = context_.runtime();
  context_.Check(runtime.CreateStream(&stream_), "cudaStreamCreate");
  context_.Check(runtime.CreateEvent(&ops_done_), "cudaEventCreate");
  context_.Check(runtime.CreateEvent(&copies_done_), "cudaEventCreate");
}

std::byte* WeightRing::Take(size_t bytes, std::function<void()> leave) {
  bytes = (bytes + 255) / 256 * 256;
  LACOS_CHECK(bytes <= memory_.size(), "the ring holds the largest weight");
  if (head_ + bytes > memory_.size()) {
    // The weights behind the head are the oldest ones.
    while (!entries_.empty() && entries_.front().begin >= head_) {
      entries_.front().leave();
      entries_.pop_front();
    }
    head_ = 0;
  }
  while (!entries_.empty() && entries_.front().begin < head_ + bytes &&
         entries_.front().end > head_) {
    entries_.front().leave();
    entries_.pop_front();
  }
  entries_.push_back({head_, head_ + bytes, std::move(leave)});
  std::byte* place = memory_.data() + head_;
  head_ += bytes;
  if (context_.dry()) return place;
  Runtime& runtime = context_.runtime();
  context_.Check(runtime.Record(ops_done_, context_.stream()), "cudaEventRecord");
  context_.Check(runtime.Wait(stream_, ops_done_), "cudaStreamWaitEvent");
  return place;
}

void WeightRing::AwaitCopies() {
  if (context_.dry()) return;
  Runtime& runtime = context_.runtime();
  context_.Check(runtime.Record(copies_done_, stream_), "cudaEventRecord");
  context_.Check(runtime.Wait(context_.stream(), copies_done_), "cudaStreamWaitEvent");
}

}  // namespace lacos::cuda
