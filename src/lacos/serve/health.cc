#include "lacos/serve/health.h"

#include "lacos/base/thread.h"

namespace lacos::serve {
namespace {

constexpr double kStillSeconds = 30;  // a batch that is so late stands still
constexpr std::chrono::milliseconds kProbeTime{950}, kStep{5};

}  // namespace

Health::Health(Dispatcher& dispatcher, double fresh_seconds)
    : dispatcher_(dispatcher), fresh_seconds_(fresh_seconds) {
  const SignalsBlocked signals_blocked;
  thread_ = std::thread([this] { Loop(); });
}

Health::~Health() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Health::ComputedLately() const { return dispatcher_.SecondsSinceSuccess() < fresh_seconds_; }

bool Health::IsMoving() const { return dispatcher_.OverdueSeconds() < kStillSeconds; }

void Health::Check(Answer answer) {
  // A long text may run for more than half a minute. What runs on a device that has failed proves
  // nothing.
  if (ComputedLately() || (dispatcher_.IsRunningInTime() && dispatcher_.DeviceFailure().empty()))
    return answer(true);
  dispatcher_.Probe();
  {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::chrono::steady_clock::now() + kProbeTime, std::move(answer));
  }
  changed_.notify_one();
}

void Health::Loop() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    changed_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    const bool computed = ComputedLately();
    const TimePoint now = std::chrono::steady_clock::now();
    // The first one has waited longest.
    while (!waiting_.empty() && (computed || waiting_.front().first <= now)) {
      const Answer answer = std::move(waiting_.front().second);
      waiting_.pop_front();
      lock.unlock();
      answer(computed);
      lock.lock();
    }
    if (!waiting_.empty()) changed_.wait_for(lock, kStep, [&] { return stop_; });
  }
}

}  // namespace lacos::serve
