// How long a batch takes: a fixed part, and a part for each token. Both are measured before the
// server is ready, and scaled by what batches really take.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace lacos::serve {

class CostModel {
 public:
  CostModel(double fixed_seconds, double tokens_per_second)
      : fixed_(std::max(fixed_seconds, 0.0)), per_token_(1 / std::max(tokens_per_second, 1e-3)) {}

  double Seconds(int64_t tokens) const {
    return scale_ * (fixed_ + per_token_ * static_cast<double>(tokens));
  }

  // The most tokens that take at most so long; at least 1.
  int64_t TokensIn(double seconds) const {
    const double tokens = std::floor((seconds / scale_ - fixed_) / per_token_);
    return tokens >= 1 ? static_cast<int64_t>(std::min(tokens, 1e12)) : 1;
  }

  // A batch of this size took so long. Later batches count more: the weight of a second of computing
  // falls to 1/e after `kMemorySeconds` of computing.
  //
  // A batch counts as at most `kMostSlower` times as slow as those before it. So a process or machine
  // that was stopped during a batch (SIGSTOP, a virtual machine that is moved) is not taken for a slow
  // one, which would refuse requests for minutes. One that has become slow is known after a few batches.
  void Add(int64_t tokens, double seconds) {
    const double expected = fixed_ + per_token_ * static_cast<double>(tokens);
    if (!(seconds > 0) || !(expected > 0)) return;
    constexpr double kMemorySeconds = 5, kMostSlower = 4;
    const double keep = std::exp(-seconds / kMemorySeconds);
    seconds = std::min(seconds, kMostSlower * scale_ * expected);
    actual_ = keep * actual_ + seconds;
    expected_ = keep * expected_ + expected;
    scale_ = std::clamp(actual_ / expected_, 1e-3, 1e3);
  }

  // Whether enough was computed for the speed to be that of batches, and not only that of the start,
  // when the machine may have been busy.
  bool HasLearned() const { return actual_ > kLearnedSeconds; }

 private:
  static constexpr double kLearnedSeconds = 2;
  double fixed_, per_token_;
  double scale_ = 1;
  // Decayed sums, which start as if half a second had gone as expected.
  double actual_ = 0.5, expected_ = 0.5;
};

}  // namespace lacos::serve
