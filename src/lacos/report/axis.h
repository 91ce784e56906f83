// The positions and labels of the ticks on a chart's axis.
#pragma once

#include <string>
#include <vector>

#include "lacos/report/quantity.h"

namespace lacos {

// An axis from `low` to `high`. Both ends are ticks, or lie outside all data.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  struct Tick {
    double value = 0;
    std::string label;
  };
  std::vector<Tick> ticks;  // two or more, in increasing order, each with another label

  // The position of a value between the ends: 0 at `low`, 1 at `high`.
  double Place(double value) const;
};

// The sizes that an axis can show. Others are left out of charts.
inline constexpr double kLargestOnAxis = 1e300, kSmallestOnLogAxis = 1e-300;

struct AxisOptions {
  int count = 5;             // about how many ticks
  bool logarithmic = false;  // needs low >= kSmallestOnLogAxis
  bool extend = false;       // the axis ends at ticks
  bool whole = false;        // ticks at whole numbers only (not for logarithmic axes)
  Unit unit = Unit::kNone;   // for the labels
};

// An axis over [low, high]. Ticks are at 1, 2 or 5 times a power of ten. On a logarithmic axis they
// are at powers of ten or at 1, 2 and 5 or 1 and 3 times these; over less than a decade or so they are at equal
// distances, as on a linear axis. Ends that are equal, or differ only by rounding, are moved apart.
Axis MakeAxis(double low, double high, const AxisOptions& options);

// The text of a tick, such as "0.25", "1200", "35k", "2e-4" or "20 MB". It has as many digits as
// `step`, the distance between two ticks, needs. All labels have the form that suits the `largest`
// tick.
std::string TickLabel(double value, double step, double largest, Unit unit = Unit::kNone);

}  // namespace lacos
