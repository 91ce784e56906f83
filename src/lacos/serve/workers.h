// Threads that parse, tokenize and write replies, so that the thread of the connections and the
// computing thread do not. Large jobs have a thread of their own, behind which small ones do not wait.
// It does the smallest first: one text of 30 MB takes seconds, and many of them must not keep others out.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
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

  // A job that reads or writes so many bytes; 0 lets a large job go before all others. The job must not
  // throw.
  void Post(bool is_large, size_t bytes, std::function<void()> job);

  // How long the job that runs longest has been running. Jobs that wait behind it do not count: many
  // large requests are no sign of a thread that stands still.
  double RunningSeconds() const;

 private:
  struct Lane {
    // By size; those of one size by age.
    std::multimap<size_t, std::function<void()>> jobs;
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
