// Memory of the CPU backend: zeroed pages that use no memory until they are written, and scratch
// blocks that each thread keeps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/tensor/buffer.h"

namespace lacos::cpu {

// Allocates zeroed memory, aligned to 64 bytes. Large blocks are mapped, so that their pages are
// committed when they are first written.
Buffer AllocateZeroed(size_t bytes);

// A block that grows to the largest request and keeps its memory. Growing loses its contents, also if it
// fails.
class Scratch {
 public:
  std::byte* Bytes(size_t bytes);
  float* F32(int64_t count) {
    return reinterpret_cast<float*>(Bytes(static_cast<size_t>(count) * sizeof(float)));
  }
  size_t capacity() const { return buffer_.size(); }

 private:
  Buffer buffer_;
};

// One set of scratch blocks for each thread of a parallel loop.
class ThreadScratch {
 public:
  static constexpr int kSlots = 4;
  // Makes a set for every thread that a parallel loop can have. Call it before the loop.
  void Reserve();
  // The calling thread's block for one of a kernel's purposes (a slot).
  Scratch& Mine(int slot) { return sets_[ThreadIndex()][slot]; }
  // The size of all blocks in bytes.
  size_t Bytes() const {
    size_t bytes = 0;
    for (const Set& set : sets_) {
      for (const Scratch& scratch : set) bytes += scratch.capacity();
    }
    return bytes;
  }

 private:
  struct alignas(128) Set : std::array<Scratch, kSlots> {};
  std::vector<Set> sets_;
};

}  // namespace lacos::cpu
