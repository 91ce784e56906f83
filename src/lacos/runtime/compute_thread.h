// The one thread that computes for all models of a process: an OpenMP runtime keeps a team for each
// thread that opens parallel regions, so callers hand their work to this one instead of bringing
// teams of their own.
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
  // The process's thread, started by the first holder and ended by the last. Throws
  // std::system_error when there is no thread to be had. In a child of fork() this is a new thread,
  // whatever the parent had.
  static std::shared_ptr<ComputeThread> Acquire();

  ComputeThread();
  ~ComputeThread();
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  // Runs `work` there, after what was handed over before, and waits; rethrows what it throws. Not
  // to be called from the thread itself.
  void Run(const std::function<void()>& work);

  // False in a child of fork(): the thread exists in the parent only, so nothing may be run or
  // destroyed.
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
