// The memory that the ops of one backend share between calls, and the scratch that each op needs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lacos/kernels/cpu/memory.h"

namespace lacos::cpu {

// Scratch for one op at a time.
struct Workspace {
  ThreadScratch threads;
  Scratch shared;

  size_t Bytes() const { return threads.Bytes() + shared.capacity(); }
};

// The scratch bytes that one call of an op needs. Each kernel has a function that computes them.
struct WorkspaceNeed {
  size_t shared = 0;
  std::array<size_t, ThreadScratch::kSlots> thread = {};  // bytes for each thread that takes part
  int64_t tasks = 1;               // largest number of threads that can take part
  size_t encoded = 0, packed = 0;  // bytes of the weight's own scratch (FrozenLinear)
  size_t passing = 0;              // bytes that are released at the end of the call
};

// The memory that a sequence of ops makes a backend hold. Every block of scratch grows to its
// largest request.
class WorkspaceMeter {
 public:
  void Add(const WorkspaceNeed& need);
  size_t Bytes() const;

 private:
  size_t shared_ = 0, encoded_ = 0, packed_ = 0, passing_ = 0;
  std::vector<std::array<size_t, ThreadScratch::kSlots>> threads_;
};

}  // namespace lacos::cpu
