// Threads that parse, tokenize and write replies, so that the thread of the connections and the
// computing thread do not. Large jobs have a thread of their own, behind which small ones do not wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "lacos/serve/schedule/time_point.h"

namespace lacos::serve {

class Workers {
 public:
  Workers();   // throws std::system_error if no thread can be started
  ~Workers();  // drops the jobs that wait
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // The job must not throw.
  void Post(bool is_large, std::function<void()> job);

  // How long the job that runs longest has been running. Jobs that wait behind it do not count: many
  // large requests are no sign of a thread that stands still.
  double RunningSeconds() const;

 private:
  struct Lane {
    std::deque<std::function<void()>> jobs;
    std::optional<TimePoint> running;
    std::condition_variable arrived;
    std::thread thread;
  };
  void Loop(Lane& lane);

  mutable std::mutex mutex_;
  bool stop_ = false;
  Lane small_, large_;
};

}  // namespace lacos::serve
