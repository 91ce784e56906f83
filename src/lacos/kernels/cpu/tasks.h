// Parallel loops around calls that may use oneDNN. Inside the loops oneDNN runs on one thread, so
// that no sum is split among threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <mutex>

#include "lacos/base/checked_math.h"
#include "lacos/base/parallel.h"

namespace lacos::cpu {

// While it exists, OpenMP regions that this thread opens (mainly those of oneDNN) have one thread.
class SingleThreadScope {
 public:
  SingleThreadScope() : threads_(omp_get_max_threads()) {
    if (threads_ > 1) omp_set_num_threads(1);
  }
  ~SingleThreadScope() {
    if (threads_ > 1) omp_set_num_threads(threads_);
  }
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;

 private:
  int threads_;
};

// Calls f(i) for 0 <= i < n. Each free thread takes the next i. The calls must write disjoint
// outputs. Rethrows the first exception after all have ended. Unlike in ParallelFor, a call never
// opens a team of threads itself, even if n is 1.
template <class F>
void RunTasks(int64_t n, F&& f) {
  if (n == 1 || omp_get_max_threads() == 1) {
    const SingleThreadScope single;
    for (int64_t i = 0; i < n; ++i) f(i);
    return;
  }
  ParallelFor(n, [&](int64_t i) {
    const SingleThreadScope single;
    f(i);
  });
}

// Calls f(begin, end) for ranges of at most `grain` that cover [0, n).
template <class F>
void RunRanges(int64_t n, int64_t grain, F&& f) {
  grain = std::max<int64_t>(grain, 1);
  RunTasks(CeilDivide(n, grain),
           [&](int64_t task) { f(task * grain, std::min(n, (task + 1) * grain)); });
}

// The number of rows of `cols` values that are worth handing to a thread: about 10 microseconds.
inline int64_t RowGrain(int64_t cols) {
  return std::max<int64_t>(1, 16384 / std::max<int64_t>(cols, 1));
}

}  // namespace lacos::cpu
