#include "lacos/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace lacos {
namespace {

// The smallest step that is 1, 2 or 5 times a power of ten and divides `range` into at most
// `count` parts.
double NiceStep(double range, int count) {
  const double rough = range / std::max(count, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string WithoutZeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

Axis LogarithmicAxis(double low, double high, int count, bool extend) {
  Axis axis{.low = low, .high = high, .logarithmic = true, .ticks = {}};
  const double first = std::floor(std::log10(low) + 1e-9),
               last = std::ceil(std::log10(high) - 1e-9);
  if (extend) {
    axis.low = std::pow(10, first);
    axis.high = std::pow(10, last > first ? last : first + 1);
  }
  const auto decades = static_cast<int>(last - first);
  const int every = std::max(1, (decades + count - 1) / std::max(count, 1));
  const std::vector<double> factors =
      decades * 3 <= count ? std::vector<double>{1, 2, 5} : std::vector<double>{1};
  for (double power = first; power <= last + 1; power += every) {
    for (const double factor : factors) {
      const double value = factor * std::pow(10, power);
      if (value < axis.low * (1 - 1e-9) || value > axis.high * (1 + 1e-9)) continue;
      axis.ticks.push_back({value, TickLabel(value, value, value)});
    }
  }
  return axis;
}

}  // namespace

double Axis::Place(double value) const {
  if (!logarithmic) return (value - low) / (high - low);
  return (std::log(value) - std::log(low)) / (std::log(high) - std::log(low));
}

Axis MakeAxis(double low, double high, int count, bool logarithmic, bool extend) {
  if (logarithmic) return LogarithmicAxis(low, high > low ? high : 10 * low, count, extend);
  // Ends that differ only by rounding count as equal, because the ticks between them could not be
  // counted in doubles. The same holds for steps that round to 0.
  constexpr double kSmallest = 1e-300;
  if (!(high - low > std::max(1e-12 * std::max(std::abs(low), std::abs(high)), kSmallest))) {
    const double space = std::abs(low) < kSmallest ? 1 : 0.1 * std::abs(low);
    low -= space;
    high += space;
  }
  const double step = NiceStep(high - low, count);
  const double largest = std::max(std::abs(low), std::abs(high));
  Axis axis{.low = low, .high = high, .logarithmic = false, .ticks = {}};
  double first = std::ceil(low / step - 1e-9), last = std::floor(high / step + 1e-9);
  if (extend) {
    first = std::floor(low / step + 1e-9);
    last = std::ceil(high / step - 1e-9);
    axis.low = std::min(low, first * step);  // the product may have been rounded up
    axis.high = std::max(high, last * step);
  }
  for (double i = first; i <= last; ++i) {
    const double value = i == 0 ? 0 : i * step;
    axis.ticks.push_back({value, TickLabel(value, step, largest)});
  }
  return axis;
}

std::string TickLabel(double value, double step, double largest) {
  const double size = std::max(std::abs(largest), std::abs(step));
  if (value == 0) return "0";
  if (size < 1e-2) {
    const int power = static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9));
    return fmt::format("{}e{}", WithoutZeros(fmt::format("{:.2f}", value / std::pow(10, power))),
                       power);
  }
  constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
  for (const auto& [unit, name] : kUnits) {
    if (size >= 10 * unit) return WithoutZeros(fmt::format("{:.2f}", value / unit)) + name;
  }
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  return fmt::format("{:.{}f}", value, digits);
}

}  // namespace lacos
