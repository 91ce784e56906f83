// Parallel loops over rows and other ranges.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lacos/base/checked_math.h"
#include "lacos/base/parallel.h"

namespace lacos::cpu {

// Calls f(begin, end) for ranges of at most `grain` that cover [0, n).
template <class F>
void RunRanges(int64_t n, int64_t grain, F&& f) {
  grain = std::max<int64_t>(grain, 1);
  ParallelFor(CeilDivide(n, grain),
              [&](int64_t task) { f(task * grain, std::min(n, (task + 1) * grain)); });
}

// The number of rows of `cols` values that are worth handing to a thread: about 10 microseconds.
inline int64_t RowGrain(int64_t cols) {
  return std::max<int64_t>(1, 16384 / std::max<int64_t>(cols, 1));
}

}  // namespace lacos::cpu
