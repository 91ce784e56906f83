// One thread that runs jobs in their order, for work that the thread of the connections must not
// wait for.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace lacos::serve {

class Worker {
 public:
  Worker();   // throws std::system_error if no thread can be started
  ~Worker();  // finishes the jobs that it has
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The job must not throw.
  void Post(std::function<void()> job);

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lacos::serve
