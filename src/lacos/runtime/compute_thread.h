// The one thread that computes for all models of a process. Callers hand their work to it, so that
// one call at a time uses the pool of threads (base/parallel.h) and gets all of it.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <sys/types.h>

namespace lacos {

class ComputeThread {
 public:
  // The thread of the process. The first holder starts it and the last one ends it. Throws
  // std::system_error if no thread can be started. A child of fork() gets a new thread, whatever
  // the parent had.
  static std::shared_ptr<ComputeThread> Acquire();

  ComputeThread();
  ~ComputeThread();
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  // Runs `work` on the thread, after the work that was handed over before, and waits. Rethrows its
  // exceptions. Must not be called from the thread itself.
  void Run(const std::function<void()>& work);

  // Whether the thread exists in this process. In a child of fork() it does not, and nothing may be
  // run or destroyed.
  bool IsHere() const;

 private:
  // Lives on the stack of the waiting caller.
  struct Job {
    const std::function<void()>* work = nullptr;
    std::exception_ptr error;
    bool done = false;
    std::condition_variable finished;
    Job* next = nullptr;
  };
  void Loop();

  const pid_t process_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Job *first_ = nullptr, *last_ = nullptr;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lacos
