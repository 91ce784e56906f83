// One pool of threads for everything. It is that of OpenMP, which oneDNN uses too, so cores are
// never oversubscribed.
#pragma once

#include <omp.h>

#include <cstdint>
#include <exception>
#include <mutex>

namespace lacos {

// Sets the number of threads of every later parallel region; 0 means all cores.
inline void SetThreadCount(int threads) {
  omp_set_num_threads(threads > 0 ? threads : omp_get_num_procs());
}
inline int ThreadCount() { return omp_get_max_threads(); }

// Calls f(i) for 0 <= i < n, handing out one i at a time. Calls must write disjoint outputs, so
// that the result does not depend on the number of threads. The first exception that a call throws
// is rethrown here after all calls have ended.
template <class F>
void ParallelFor(int64_t n, F&& f) {
  std::exception_ptr error;
  std::mutex mutex;
#pragma omp parallel for schedule(dynamic, 1) if (n > 1)
  for (int64_t i = 0; i < n; ++i) {
    try {
      f(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace lacos
