#include "lacos/report/quantity.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace lacos {
namespace {

struct Prefix {
  double factor;
  const char* suffix;
};
constexpr std::array<Prefix, 4> kPlain = {{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
constexpr std::array<Prefix, 5> kBytes = {
    {{1e12, " TB"}, {1e9, " GB"}, {1e6, " MB"}, {1e3, " kB"}, {1, " B"}}};

std::string Scaled(double value, const Scale& scale, int digits) {
  const std::string number = fmt::format("{:.{}f}", value / scale.factor, digits);
  const bool spaced = scale.suffix.empty() || scale.suffix[0] == ' ';
  return number + (spaced ? "" : " ") + scale.suffix;
}

}  // namespace

Scale ScaleFor(double size, Unit unit) {
  size = std::abs(size);
  switch (unit) {
    case Unit::kBytes:
      for (const Prefix& prefix : kBytes) {
        if (size >= prefix.factor) return {prefix.factor, prefix.suffix};
      }
      return {1, " B"};
    case Unit::kMilliseconds:
      return size >= 1e4 ? Scale{1e3, " s"} : Scale{1, " ms"};
    case Unit::kSeconds:
      return {1, " s"};
    case Unit::kNone:
      for (const Prefix& prefix : kPlain) {
        if (size >= 10 * prefix.factor) return {prefix.factor, prefix.suffix};
      }
  }
  return {};
}

std::string QuantityText(double value, Unit unit) {
  if (!std::isfinite(value)) return "-";
  const bool plain = unit == Unit::kNone;
  // A table has "7.89 M" parameters rather than "7886 k".
  const Scale scale = ScaleFor(plain && std::abs(value) >= 1e4 ? 10 * value : value, unit);
  const double shown = std::abs(value / scale.factor);
  if (shown >= 1e15) return fmt::format("{:.3g}", value / scale.factor) + scale.suffix;
  const bool whole = scale.factor == 1 && shown == std::floor(shown) && unit != Unit::kMilliseconds;
  const int digits = whole || shown >= 100 ? 0 : shown >= 10 ? 1 : 2;
  if (shown > 0 && shown < 0.01) return fmt::format("{:.2g}", value) + scale.suffix;
  return Scaled(value, scale, digits);
}

std::string PreciseText(double value, Unit unit) {
  if (!std::isfinite(value)) return "-";
  if (unit == Unit::kNone) {
    const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
    return whole ? GroupedText(static_cast<int64_t>(value)) : fmt::format("{:.5g}", value);
  }
  const Scale scale = ScaleFor(value, unit);
  return fmt::format("{:.6g}{}", value / scale.factor, scale.suffix);
}

std::string GroupedText(int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    const size_t left = digits.size() - i;
    if (i > 0 && left % 3 == 0 && digits[i - 1] != '-') text += ',';
    text += digits[i];
  }
  return text;
}

std::string GroupedText(double value) {
  return std::abs(value) < 1e18 ? GroupedText(static_cast<int64_t>(value))
                                : fmt::format("{:.3g}", value);
}

}  // namespace lacos
