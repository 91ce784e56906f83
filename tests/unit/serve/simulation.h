// A server in a fake clock: a scheduler, and an engine that takes a known time for a batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/serve/schedule/scheduler.h"

namespace lacos::serve {

inline TimePoint At(double seconds) {
  return TimePoint() +
         std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds));
}

struct SimulatedRequest {
  double arrival = 0;
  std::string key;
  uint64_t connection = 0;
  std::vector<int64_t> tokens;
  double timeout = 1e6;
  // What happened.
  bool refused = false, dropped = false;
  double retry_after = 0;
  double start = -1, end = -1;
  size_t computed = 0;

  int64_t Tokens() const {
    int64_t sum = 0;
    for (const int64_t t : tokens) sum += t;
    return sum;
  }
  bool Done() const { return computed == tokens.size(); }
};

class Simulation {
 public:
  // The engine takes `fixed` seconds a batch and computes `rate` tokens a second, with random
  // deviations of up to `jitter`.
  Simulation(const SchedulerOptions& options, double fixed, double rate, double jitter,
             uint64_t seed)
      : options_(options),
        scheduler_(options, CostModel(fixed, rate)),
        fixed_(fixed),
        rate_(rate),
        jitter_(jitter),
        random_(seed, RandomStream::kBatch) {}

  Random& random() { return random_; }
  Scheduler& scheduler() { return scheduler_; }
  std::vector<SimulatedRequest>& requests() { return requests_; }
  double now() const { return now_; }
  double busy() const { return busy_; }
  int64_t largest_batch() const { return largest_batch_; }
  double capacity() const {
    const auto tokens = static_cast<double>(scheduler_.BatchTokens());
    return tokens / (fixed_ + tokens / rate_);
  }
  double OwnSeconds(const SimulatedRequest& r) const {
    return fixed_ + static_cast<double>(r.Tokens()) / rate_;
  }

  size_t Send(SimulatedRequest request) {
    request.arrival = std::max(request.arrival, now_);
    arrivals_.emplace(request.arrival, requests_.size());
    requests_.push_back(std::move(request));
    return requests_.size() - 1;
  }
  // Called when a request is complete or refused; may send others.
  std::function<void(size_t index)> on_end;

  // Runs until `end`, or until nothing is left to do.
  void RunUntil(double end) {
    while (now_ < end) {
      const double next_arrival = arrivals_.empty() ? 1e300 : arrivals_.begin()->first;
      if (running_ && batch_end_ <= next_arrival) {
        if (batch_end_ > end) return;
        now_ = batch_end_;
        Finish();
      } else if (next_arrival <= end) {
        now_ = next_arrival;
        const size_t index = arrivals_.begin()->second;
        arrivals_.erase(arrivals_.begin());
        Arrive(index);
      } else {
        now_ = end;
        return;
      }
      if (!running_) Begin();
    }
  }

 private:
  void Arrive(size_t index) {
    SimulatedRequest& r = requests_[index];
    QueuedRequest queued{.id = index,
                         .key = r.key,
                         .connection = r.connection,
                         .tokens = r.tokens,
                         .arrived = At(now_),
                         .deadline = At(r.arrival + r.timeout)};
    if (const auto wait = scheduler_.Admit(std::move(queued), At(now_))) {
      r.refused = true;
      r.retry_after = *wait;
      if (on_end) on_end(index);
    }
  }
  void Begin() {
    scheduler_.Drop(At(now_), [&](uint64_t id, DropReason) { requests_[id].dropped = true; });
    batch_ = scheduler_.Next(At(now_));
    if (batch_.empty()) return;
    int64_t tokens = 0;
    for (const BatchText& text : batch_) {
      tokens += text.tokens;
      SimulatedRequest& r = requests_[text.request];
      if (r.start < 0) r.start = now_;
    }
    if (batch_.size() > 1) largest_batch_ = std::max(largest_batch_, tokens);
    const double spread = 1 + jitter_ * (2 * random_.Uniform() - 1);
    batch_seconds_ = (fixed_ + static_cast<double>(tokens) / rate_) * spread;
    batch_end_ = now_ + batch_seconds_;
    busy_ += batch_seconds_;
    batch_tokens_ = tokens;
    running_ = true;
  }
  void Finish() {
    running_ = false;
    scheduler_.Done(batch_tokens_, batch_seconds_);
    const std::vector<BatchText> batch = std::move(batch_);
    batch_.clear();
    for (const BatchText& text : batch) {
      SimulatedRequest& r = requests_[text.request];
      if (++r.computed == r.tokens.size()) {
        r.end = now_;
        if (on_end) on_end(text.request);
      }
    }
  }

  SchedulerOptions options_;
  Scheduler scheduler_;
  double fixed_, rate_, jitter_;
  Random random_;
  std::vector<SimulatedRequest> requests_;
  std::multimap<double, size_t> arrivals_;
  std::vector<BatchText> batch_;
  bool running_ = false;
  double now_ = 0, batch_end_ = 0, batch_seconds_ = 0, busy_ = 0;
  int64_t batch_tokens_ = 0, largest_batch_ = 0;
};

inline double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(q * static_cast<double>(values.size())))];
}

}  // namespace lacos::serve
