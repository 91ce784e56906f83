// A stack of tensors for one step. Allocating adds to an offset, and releasing sets it back.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "lacos/tensor/buffer.h"
#include "lacos/tensor/tensor_view.h"

namespace lacos {

// Grows by chunks that `allocate` provides, and keeps them for the next step. Chunks are large,
// because a backend that commits memory on first touch (the CPU) pays only for what is used.
class Arena {
 public:
  explicit Arena(std::function<Buffer(size_t)> allocate, size_t chunk_bytes = size_t{256} << 20)
      : allocate_(std::move(allocate)), chunk_bytes_(chunk_bytes) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // An uninitialized tensor, 64-byte aligned, which is valid until the mark before it is released.
  // Under AddressSanitizer the bytes between two tensors of host memory may not be touched.
  TensorView Allocate(DType dtype, Shape shape);

  // Makes room for `bytes` in one piece. To be called before anything is allocated. Then no part of
  // a later chunk stays unused, and the memory that is ever touched equals the high-water mark.
  void Reserve(size_t bytes);

  // Gives all memory back. To be called while nothing is allocated.
  void Free();

  struct Mark {
    size_t chunk = 0;
    size_t offset = 0;
    size_t used = 0;
  };
  Mark Position() const { return position_; }
  void Release(Mark mark);

  // The most bytes that were in use at one time.
  size_t HighWaterBytes() const { return high_water_; }

 private:
  std::function<Buffer(size_t)> allocate_;
  size_t chunk_bytes_;
  std::vector<Buffer> chunks_;
  Mark position_;
  size_t high_water_ = 0;
  // Their first bytes, in order; empty for device memory and without AddressSanitizer.
  std::vector<Mark> red_zones_;
};

// Releases at its end everything that was allocated during its lifetime.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.Position()) {}
  ~ArenaScope() { arena_.Release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace lacos
