// Long work of the C interface: it runs in a thread of its own, and its events reach the caller in
// the thread of the call.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "lacos.h"
#include "lacos/io/json.h"

namespace lacos::capi {

// Thrown by CheckStop.
struct StopWork {};

class Events {
 public:
  // Adds an event; any thread may. Waits while many are undelivered.
  void Post(const Json& event);
  // The same for the state of the work: it replaces an undelivered one.
  void PostProgress(int64_t done, int64_t total);

  // Whether the caller's function asked the work to stop.
  bool stop_requested() const { return stop_.load(std::memory_order_relaxed); }
  void CheckStop() const {
    if (stop_requested()) throw StopWork();
  }

 private:
  friend void RunWithEvents(lacos_event on_event, void* context,
                            const std::function<void(Events&)>& work);
  bool Deliver(lacos_event on_event, void* context);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> events_;
  std::string progress_;  // the newest state; empty if it was delivered
  bool done_ = false;
  std::atomic<bool> stop_ = false;
};

// Runs `work` in another thread and waits for it. Meanwhile `on_event`, which may be null, gets the
// events, and NULL before the work and at least ten times a second, so that it can ask the work to stop although there
// is no event. Rethrows the exception of the work; StopWork becomes CallError(LACOS_CANCELLED).
void RunWithEvents(lacos_event on_event, void* context, const std::function<void(Events&)>& work);

}  // namespace lacos::capi
