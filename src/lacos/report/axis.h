// The positions and labels of the ticks on a chart's axis.
#pragma once

#include <string>
#include <vector>

namespace lacos {

// An axis from `low` to `high`. Both ends are ticks, or lie outside all data.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  struct Tick {
    double value = 0;
    std::string label;
  };
  std::vector<Tick> ticks;

  // The position of a value between the ends: 0 at `low`, 1 at `high`.
  double Place(double value) const;
};

// An axis over [low, high] with about `count` ticks. Ticks are at 1, 2 or 5 times a power of ten.
// On a logarithmic axis they are at powers of ten, and also at multiples of these where there are
// few. With `extend` the axis ends at ticks. Ends that are equal, or differ only by rounding, are
// moved apart. Logarithmic axes need low > 0.
Axis MakeAxis(double low, double high, int count, bool logarithmic, bool extend);

// The text of a tick, such as "0.25", "1200", "35k" or "2e-4". It has as many digits as `step`, the
// distance between two ticks, needs. All labels have the form that suits the `largest` tick.
std::string TickLabel(double value, double step, double largest);

}  // namespace lacos
