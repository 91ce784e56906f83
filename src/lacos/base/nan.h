// NaN: the value of a measure that is not defined.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace lacos {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

inline bool HasNaN(std::span<const double> x) {
  return std::any_of(x.begin(), x.end(), [](double value) { return std::isnan(value); });
}

}  // namespace lacos
