// Memory that ops of one backend share between calls, and what each op needs of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lacos/kernels/cpu/memory.h"

namespace lacos::cpu {

// One op runs at a time.
struct Workspace {
  ThreadScratch threads;
  Scratch shared;

  size_t Bytes() const { return threads.Bytes() + shared.capacity(); }
};

// Scratch bytes that one call of a op takes, said by the kernel beside its code.
struct WorkspaceNeed {
  size_t shared = 0;
  std::array<size_t, ThreadScratch::kSlots> thread = {};  // of each thread that takes part
  int64_t tasks = 1;                                      // no more threads than this take part
  size_t decoded = 0, packed = 0;                         // a weight's own scratch (FrozenLinear)
  size_t passing = 0;                                     // given back at the end of the call
};

// The memory that a sequence of ops makes a backend hold: every block of scratch grows to its
// largest request.
class WorkspaceMeter {
 public:
  void Add(const WorkspaceNeed& need);
  size_t Bytes() const;

 private:
  size_t shared_ = 0, decoded_ = 0, packed_ = 0, passing_ = 0;
  std::vector<std::array<size_t, ThreadScratch::kSlots>> threads_;
};

}  // namespace lacos::cpu
