// Device memory through which frozen weights pass that do not stay on the device: a ring that copies
// run ahead in, on a stream of their own.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>

#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

class WeightRing {
 public:
  explicit WeightRing(Context& context) : context_(context) {}
  ~WeightRing();
  WeightRing(const WeightRing&) = delete;
  WeightRing& operator=(const WeightRing&) = delete;

  void Reserve(size_t bytes);
  size_t Bytes() const { return memory_.size(); }
  // The stream that copies into the ring are queued on.
  gpu::Stream stream() const { return stream_; }

  // Returns a place for a weight. The oldest weights leave the ring until there is room: `leave` is
  // called for each, and copies into the place wait for the ops that are queued so far.
  std::byte* Take(size_t bytes, std::function<void()> leave);
  // Ops that are queued from now on wait for the copies that are queued so far.
  void AwaitCopies();

 private:
  struct Entry {
    size_t begin = 0, end = 0;
    std::function<void()> leave;
  };

  Context& context_;
  Buffer memory_;
  gpu::Stream stream_ = nullptr;
  Event ops_done_ = nullptr, copies_done_ = nullptr;
  std::deque<Entry> entries_;  // from the oldest to the newest
  size_t head_ = 0;
};

}  // namespace lacos::cuda
