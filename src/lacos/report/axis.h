// Where the ticks of a chart's axis stand and what they say.
#pragma once

#include <string>
#include <vector>

namespace lacos {

// An axis from `low` to `high`, which are ticks of it or lie outside all data.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  struct Tick {
    double value = 0;
    std::string label;
  };
  std::vector<Tick> ticks;

  // Place of a value between the ends: 0 at `low`, 1 at `high`.
  double Place(double value) const;
};

// An axis over [low, high] with about `count` ticks at 1, 2 or 5 times a power of ten (logarithmic:
// at powers of ten, and their multiples where there are few). It is extended to whole ticks where
// `extend` says so. Ends that are equal, or differ by roundings alone, are moved apart. Logarithmic
// axes need low > 0.
Axis MakeAxis(double low, double high, int count, bool logarithmic, bool extend);

// "0.25", "1200", "35k", "2e-4": as many digits as `step`, the distance of two ticks, needs, in the
// form that suits the `largest` of them.
std::string TickLabel(double value, double step, double largest);

}  // namespace lacos
