// A server in a fake clock: a scheduler, and an engine that takes a known time for a batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <utility>
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
  // Tokens a second in batches of short requests.
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
      if (running_ && step_end_ <= next_arrival) {
        if (step_end_ > end) return;
        now_ = step_end_;
        EndStep();
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
  // A batch is computed in steps. After each but the last, it may pause.
  struct Batch {
    std::vector<BatchText> texts;
    int64_t tokens = 0, steps = 1;
    double seconds = 0;
  };
  void Begin() {
    scheduler_.Drop(At(now_), [&](uint64_t id, DropReason) { requests_[id].dropped = true; });
    batch_ = Prepare(scheduler_.Next(At(now_)), options_.pauses + 1);
    if (batch_.texts.empty()) return;
    running_ = true;
    step_end_ = now_ + batch_.seconds / static_cast<double>(batch_.steps);
    steps_left_ = batch_.steps;
  }
  Batch Prepare(std::vector<BatchText> texts, int64_t steps) {
    Batch batch{.texts = std::move(texts), .tokens = 0, .steps = steps, .seconds = 0};
    for (const BatchText& text : batch.texts) {
      batch.tokens += text.tokens;
      SimulatedRequest& r = requests_[text.request];
      if (r.start < 0) r.start = now_;
    }
    if (batch.texts.size() > 1) largest_batch_ = std::max(largest_batch_, batch.tokens);
    const double spread = 1 + jitter_ * (2 * random_.Uniform() - 1);
    batch.seconds = (fixed_ + static_cast<double>(batch.tokens) / rate_) * spread;
    if (!batch.texts.empty()) busy_ += batch.seconds;
    return batch;
  }
  void EndStep() {
    if (!in_pause_.texts.empty()) {
      scheduler_.DonePause(in_pause_.tokens, in_pause_.seconds);
      End(std::exchange(in_pause_, {}).texts);
    } else if (--steps_left_ == 0) {
      running_ = false;
      scheduler_.Done(batch_.tokens, batch_.seconds);
      return End(std::exchange(batch_, {}).texts);
    }
    if (scheduler_.WouldRunInPause()) in_pause_ = Prepare(scheduler_.NextInPause(At(now_)), 1);
    step_end_ = now_ + (in_pause_.texts.empty() ? batch_.seconds / static_cast<double>(batch_.steps)
                                                : in_pause_.seconds);
  }
  void End(const std::vector<BatchText>& texts) {
    for (const BatchText& text : texts) {
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
  Batch batch_, in_pause_;
  bool running_ = false;
  double now_ = 0, step_end_ = 0, busy_ = 0;
  int64_t steps_left_ = 0, largest_batch_ = 0;
};

inline double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(q * static_cast<double>(values.size())))];
}

}  // namespace lacos::serve
