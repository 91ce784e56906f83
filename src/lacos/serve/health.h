// Whether texts can be computed: one was in the last 30 seconds, or one is now, within a second.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "lacos/serve/dispatcher.h"

namespace lacos::serve {

class Health {
 public:
  using Answer = std::function<void(bool is_healthy)>;

  // The dispatcher must outlive this object. A text that was computed in the last `fresh_seconds` is
  // proof enough.
  Health(Dispatcher& dispatcher, double fresh_seconds);
  ~Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // Calls `answer` once, now or within a second, from any thread.
  void Check(Answer answer);
  // Whether no batch takes far longer than expected.
  bool IsMoving() const;

 private:
  bool ComputedLately() const;
  void Loop();

  Dispatcher& dispatcher_;
  const double fresh_seconds_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<TimePoint, Answer>> waiting_;  // with the time by which each is answered
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lacos::serve
