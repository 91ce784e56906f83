// One pool of threads for all loops of the process. A loop ends when its calls have ended: it never
// waits for a thread that the system has not scheduled yet, and threads without work sleep.
#pragma once

#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

namespace lacos {

// The cores that this process may run on (its CPU affinity, which a cpuset restricts).
int AvailableCores();

// The number of threads that computes fastest: the available cores, or fewer if a CPU quota of a
// control group, OMP_NUM_THREADS or OMP_THREAD_LIMIT allows fewer. A quota of 1.5 cores gives 2.
int DefaultThreadCount();

// Sets the number of threads of every later loop, the calling thread included. 0 means
// DefaultThreadCount().
void SetThreadCount(int threads);

// The largest number of threads that a loop has. It becomes smaller if the system refuses to start
// threads.
int ThreadCount();

// The position of the calling thread among the threads of the loop that it works for: 0 for the
// thread that started the loop, and less than ThreadCount() for all.
int ThreadIndex();

// Starts the threads of the pool, which the first loop would do otherwise. Returns why the system
// refused to start as many as were set, or nothing.
std::string StartThreads();

namespace internal {

using LoopBody = void (*)(void* context, int64_t i);

// Calls body(context, i) for 0 <= i < n on the pool's threads and the calling one. The body must
// not throw.
void RunLoop(int64_t n, LoopBody body, void* context);

}  // namespace internal

// Calls f(i) for 0 <= i < n. Each free thread takes the next i. Calls must write disjoint outputs,
// so that the result does not depend on the number of threads. The first exception that a call
// throws is rethrown here after all calls have ended. A loop inside a call runs on the call's
// thread. So does a loop that starts while the pool works for another thread.
template <class F>
void ParallelFor(int64_t n, F&& f) {
  struct Context {
    std::remove_reference_t<F>& f;
    std::exception_ptr error;
    std::mutex mutex;
  } context{f, nullptr, {}};
  internal::RunLoop(
      n,
      [](void* opaque, int64_t i) {
        auto& c = *static_cast<Context*>(opaque);
        try {
          c.f(i);
        } catch (...) {
          const std::lock_guard lock(c.mutex);
          if (!c.error) c.error = std::current_exception();
        }
      },
      &context);
  if (context.error) std::rethrow_exception(context.error);
}

}  // namespace lacos
