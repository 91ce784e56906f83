// Learning-rate schedules as defined by transformers: linear warmup, then a constant rate or a
// linear or cosine decay to zero.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "lacos/train/kinds.h"

namespace lacos {

struct Schedule {
  ScheduleKind kind = ScheduleKind::kLinear;
  double peak = 2e-4;  // learning rate at the end of warmup
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;

  // The learning rate of optimizer step `step`, counted from 0. With warmup, step 0 has rate 0, as
  // in transformers.
  double At(int64_t step) const {
    if (step < warmup_steps)
      return peak * static_cast<double>(step) / static_cast<double>(warmup_steps);
    const double length = static_cast<double>(std::max<int64_t>(total_steps - warmup_steps, 1));
    const double progress = std::min(1.0, static_cast<double>(step - warmup_steps) / length);
    switch (kind) {
      case ScheduleKind::kConstant:
        return peak;
      case ScheduleKind::kLinear:
        return peak * (1 - progress);
      case ScheduleKind::kCosine:
        return peak * 0.5 * (1 + std::cos(std::numbers::pi * progress));
    }
    return peak;
  }
};

}  // namespace lacos
