// Quantities as people read them: with a prefix, a unit and as many digits as they can use.
#pragma once

#include <cstdint>
#include <string>

namespace lacos {

enum class Unit {
  kNone,
  kBytes,         // shown as kB, MB, GB (powers of 1,000)
  kMilliseconds,  // shown as ms, or as s where values are long
  kSeconds,
};

// The power of ten in which numbers of this size are shown, with its prefix and unit.
struct Scale {
  double factor = 1;   // shown number times `factor` = value
  std::string suffix;  // such as "", "k" or " MB"
};
// The scale for values up to `size`. Plain numbers have a prefix from `size` 10,000 on.
Scale ScaleFor(double size, Unit unit);

// A value with three significant digits and its unit: "7.89 M", "9.68 MB", "1.30 ms", "12". An
// integer without a unit below 10,000 is whole. "-" if the value is not finite.
std::string QuantityText(double value, Unit unit = Unit::kNone);

// The value with all that a reader may want of it, for hover texts: "0.71302", "9.67578 MB".
std::string PreciseText(double value, Unit unit = Unit::kNone);

// 1234567 as "1,234,567".
std::string GroupedText(int64_t value);
// A sum of counts, rounded down. A damaged or foreign file may have one beyond int64_t.
std::string GroupedText(double value);

}  // namespace lacos
