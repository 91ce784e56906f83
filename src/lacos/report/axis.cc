#include "lacos/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace lacos {
namespace {

constexpr double kRounding = 1e-9;  // relative; smaller differences do not count

// The smallest step that is 1, 2 or 5 times a power of ten and divides `range` into at most
// `count` parts.
double NiceStep(double range, int count) {
  const double rough = range / std::max(count, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - kRounding)) return factor * power;
  }
  return 10 * power;
}

std::string WithoutZeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

// Digits after the point that tell multiples of `step` apart.
int DigitsFor(double step) {
  return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - kRounding)), 0, 12);
}

// Ticks at the multiples of `step` inside the axis. With `extend` the axis is moved out to them.
void AddLinearTicks(double step, bool extend, Unit unit, Axis& axis) {
  double first = std::ceil(axis.low / step - kRounding),
         last = std::floor(axis.high / step + kRounding);
  if (extend) {
    first = std::floor(axis.low / step + kRounding);
    last = std::ceil(axis.high / step - kRounding);
    axis.low = std::min(axis.low, first * step);  // the product may have been rounded up
    axis.high = std::max(axis.high, last * step);
  }
  const double largest = std::max(std::abs(axis.low), std::abs(axis.high));
  if (axis.logarithmic) first = std::max(first, 1.0);
  for (double i = first; i <= last; ++i) {
    const double value = i == 0 ? 0 : i * step;
    axis.ticks.push_back({value, TickLabel(value, step, largest, unit)});
  }
}

Axis LinearAxis(double low, double high, const AxisOptions& options) {
  if (options.whole && std::floor(high) - std::ceil(low) < 1) {
    const double middle = std::round((low + high) / 2);
    low = std::min(low, middle - 1);
    high = std::max(high, middle + 1);
  }
  // A step may be longer than half of the range if few ticks are wanted.
  for (int count = std::max(options.count, 1);; ++count) {
    Axis axis{.low = low, .high = high, .logarithmic = false, .ticks = {}};
    double step = NiceStep(high - low, count);
    if (options.whole) step = std::max(step, 1.0);
    AddLinearTicks(step, options.extend, options.unit, axis);
    if (axis.ticks.size() >= 2) return axis;
  }
}

// Ticks of a logarithmic axis at `factors` times every `every`-th power of ten.
Axis DecadeTicks(double low, double high, int every, const std::vector<double>& factors,
                 const AxisOptions& options) {
  Axis axis{.low = low, .high = high, .logarithmic = true, .ticks = {}};
  const auto first = static_cast<int>(std::floor(std::log10(low))),
             last = static_cast<int>(std::ceil(std::log10(high)));
  const int begin = static_cast<int>(std::floor(static_cast<double>(first) / every)) * every;
  std::vector<double> values;
  for (int power = begin; power <= last + every; power += every) {
    for (const double factor : factors) values.push_back(factor * std::pow(10, power));
  }
  const auto after_low =
      std::ranges::find_if(values, [&](double value) { return value > low * (1 + kRounding); });
  const auto from_high =
      std::ranges::find_if(values, [&](double value) { return value >= high * (1 - kRounding); });
  if (options.extend) {
    if (after_low != values.begin()) axis.low = std::min(low, *(after_low - 1));
    if (from_high != values.end()) axis.high = std::max(high, *from_high);
  }
  for (const double value : values) {
    if (value < axis.low * (1 - kRounding) || value > axis.high * (1 + kRounding)) continue;
    axis.ticks.push_back({value, TickLabel(value, value, value, options.unit)});
  }
  return axis;
}

bool IsSpacious(const Axis& axis, int count) {
  for (size_t i = 1; i < axis.ticks.size(); ++i) {
    const double gap = axis.Place(axis.ticks[i].value) - axis.Place(axis.ticks[i - 1].value);
    if (gap < 0.6 / count) return false;
  }
  return true;
}

Axis LogarithmicAxis(double low, double high, const AxisOptions& options) {
  const int count = std::max(options.count, 2);
  const auto decades = static_cast<int>(std::ceil(std::log10(high) - std::log10(low)));
  std::vector<Axis> axes;
  axes.push_back(DecadeTicks(low, high, 1, {1, 2, 5}, options));
  axes.push_back(DecadeTicks(low, high, std::max(1, (decades + count - 1) / count), {1}, options));
  for (const Axis& axis : axes) {
    if (axis.ticks.size() >= 3 && IsSpacious(axis, count)) return axis;
  }
  // Over a decade or less, steps of equal length. Five or more parts have two ticks at least.
  for (int parts = std::max(count, 5); parts >= 1; --parts) {
    Axis axis{.low = low, .high = high, .logarithmic = true, .ticks = {}};
    AddLinearTicks(NiceStep(high - low, parts), options.extend, options.unit, axis);
    if (axis.low > 0) axes.push_back(axis);
  }
  std::erase_if(axes, [](const Axis& axis) { return axis.ticks.size() < 2; });
  // The most ticks that have room, or else the fewest.
  return *std::ranges::max_element(axes, {}, [&](const Axis& axis) {
    const auto ticks = static_cast<int>(axis.ticks.size());
    const bool spacious = IsSpacious(axis, count);
    return std::pair(spacious, spacious ? ticks : -ticks);
  });
}

// "1.5e-4". The size of the step decides how many digits are needed.
std::string ScientificLabel(double value, double step, Unit unit) {
  const int power = static_cast<int>(std::floor(std::log10(std::abs(value)) + kRounding));
  const double one = std::pow(10, power);
  const int digits = std::max(2, DigitsFor(step / one));
  return fmt::format("{}e{}{}", WithoutZeros(fmt::format("{:.{}f}", value / one, digits)), power,
                     ScaleFor(0, unit).suffix);
}

}  // namespace

double Axis::Place(double value) const {
  if (!logarithmic) return (value - low) / (high - low);
  return (std::log(value) - std::log(low)) / (std::log(high) - std::log(low));
}

Axis MakeAxis(double low, double high, const AxisOptions& options) {
  const double size = std::max(std::abs(low), std::abs(high));
  constexpr double kSmallest = 1e-300;  // smaller steps would round to 0
  const bool equal = !(high - low > std::max(kRounding * size, kSmallest));
  if (options.logarithmic) {
    // The first factor keeps the ends apart where both are subnormal.
    return LogarithmicAxis(equal ? low / 2 : low, equal ? high * 2 : high, options);
  }
  if (equal) {
    const double space = size < kSmallest ? 1 : 0.1 * size;
    low -= space;
    high += space;
  }
  return LinearAxis(low, high, options);
}

std::string TickLabel(double value, double step, double largest, Unit unit) {
  double size = std::max(std::abs(largest), std::abs(step));
  if (value == 0) return "0";
  if (size < 1e-2) return ScientificLabel(value, step, unit);
  // "7.5M" rather than "7500k", but "1200" rather than "1.2k".
  const auto scale_for = [&](double of) {
    if (unit != Unit::kNone) return ScaleFor(of, unit);
    return of >= 1e4 ? ScaleFor(10 * of, unit) : Scale();
  };
  Scale scale = scale_for(size);
  const double shown = size / scale.factor;
  // A prefix is of no use where it needs many digits after the point: 123,456 to 123,460.
  while (scale.factor > 1 && DigitsFor(step / scale.factor) > 2) {
    size = scale.factor / 10;
    scale = scale_for(size);
  }
  if (shown >= 1e6 || std::abs(value / scale.factor) >= 1e12)
    return ScientificLabel(value, step, unit);
  const int digits = DigitsFor(step / scale.factor);
  if (scale.factor == 1) return fmt::format("{:.{}f}{}", value, digits, scale.suffix);
  return WithoutZeros(fmt::format("{:.{}f}", value / scale.factor, digits + 1)) + scale.suffix;
}

}  // namespace lacos
