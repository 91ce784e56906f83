#include "lacos/serve/workers.h"

#include <algorithm>

#include "lacos/base/thread.h"

namespace lacos::serve {

Workers::Workers() {
  const SignalsBlocked signals_blocked;
  small_.thread = std::thread([this] { Loop(small_); });
  large_.thread = std::thread([this] { Loop(large_); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  for (Lane* lane : {&small_, &large_}) {
    lane->arrived.notify_all();
    lane->thread.join();
  }
}

void Workers::Post(bool is_large, size_t bytes, std::function<void()> job) {
  Lane& lane = is_large ? large_ : small_;
  {
    const std::lock_guard lock(mutex_);
    lane.jobs.emplace(is_large ? bytes : 0, std::move(job));
  }
  lane.arrived.notify_one();
}

double Workers::RunningSeconds() const {
  const std::lock_guard lock(mutex_);
  const TimePoint now = std::chrono::steady_clock::now();
  TimePoint oldest = now;
  for (const Lane* lane : {&small_, &large_}) {
    if (lane->running) oldest = std::min(oldest, *lane->running);
  }
  return SecondsBetween(oldest, now);
}

void Workers::Loop(Lane& lane) {
  std::unique_lock lock(mutex_);
  for (;;) {
    lane.arrived.wait(lock, [&] { return stop_ || !lane.jobs.empty(); });
    if (stop_) return;
    std::function<void()> job = std::move(lane.jobs.extract(lane.jobs.begin()).mapped());
    lane.running = std::chrono::steady_clock::now();
    lock.unlock();
    job();
    job = nullptr;  // what it holds is released outside the lock
    lock.lock();
    lane.running.reset();
  }
}

}  // namespace lacos::serve
