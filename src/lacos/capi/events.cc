#include "lacos/capi/events.h"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "lacos/base/thread.h"
#include "lacos/capi/status.h"
#include "lacos/runtime/default_floating_point.h"

namespace lacos::capi {
namespace {

constexpr std::chrono::milliseconds kPoll(100);
constexpr size_t kMostEvents = 1024;  // undelivered ones

}  // namespace

void Events::Post(const Json& event) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return events_.size() < kMostEvents; });
  events_.push_back(event.Dump());
  changed_.notify_all();
}

void Events::PostProgress(int64_t done, int64_t total) {
  Json event = Json::Object();
  event.Set("event", "progress");
  event.Set("done", done);
  event.Set("total", total);
  const std::lock_guard lock(mutex_);
  progress_ = event.Dump();
  changed_.notify_all();
}

// Hands over what there is, or NULL. Returns whether the work has ended and everything is delivered.
bool Events::Deliver(lacos_event on_event, void* context) {
  std::deque<std::string> events;
  bool done = false;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPoll,
                      [this] { return done_ || !events_.empty() || !progress_.empty(); });
    events.swap(events_);
    if (!progress_.empty()) events.push_back(std::exchange(progress_, ""));
    done = done_;
    changed_.notify_all();
  }
  if (on_event == nullptr) return done;
  if (events.empty() && !done && on_event(context, nullptr) != 0) stop_ = true;
  for (const std::string& event : events) {
    if (on_event(context, event.c_str()) != 0) stop_ = true;
  }
  return done;
}

void RunWithEvents(lacos_event on_event, void* context, const std::function<void(Events&)>& work) {
  Events events;
  // The caller can stop even the shortest work.
  if (on_event != nullptr && on_event(context, nullptr) != 0) events.stop_ = true;
  std::exception_ptr error;
  std::thread worker;
  {
    const SignalsBlocked signals_blocked;
    worker = std::thread([&] {
      const DefaultFloatingPoint floating_point;
      try {
        work(events);
      } catch (...) {
        error = std::current_exception();
      }
      const std::lock_guard lock(events.mutex_);
      events.done_ = true;
      events.changed_.notify_all();
    });
  }
  while (!events.Deliver(on_event, context)) {
  }
  worker.join();
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const StopWork&) {
    throw CallError(LACOS_CANCELLED, "[progress] the event function ended the call");
  }
}

}  // namespace lacos::capi
