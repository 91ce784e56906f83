// Points in time, and the seconds between them as numbers.
#pragma once

#include <chrono>

namespace lacos::serve {

using TimePoint = std::chrono::steady_clock::time_point;

inline double SecondsBetween(TimePoint from, TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

inline TimePoint After(TimePoint from, double seconds) {
  return from +
         std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace lacos::serve
