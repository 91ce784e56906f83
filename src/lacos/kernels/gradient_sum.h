// The gradient of one parameter while it is summed: 64-bit integers, so that the sum has no order.
//
// A step's gradient is a sum of one f32 value a leaf (TokenLeaves in backend.h). Additions of
// floats depend on their order; additions of integers do not. So leaves may be computed by any
// thread, in any chunk, on any device or machine, and a plain all-reduce of the integers gives the
// bytes of one process.
//
// Most values go into `fine`, in units of 2^-52: each is off by at most 2^-53, which is below f32's
// own rounding for values above 2e-9. A value that is too large for that (LeafLimits, which depend
// on the number of leaves of the whole step and on nothing else, so that they do not depend on who
// adds what) is split: whole multiples of 2^-12 go into `coarse`, the rest into `fine`. Both parts
// are exact. Beyond 2^50 / leaves a value counts as that limit, so the sum is finite, and so is the
// f32 sum of the squares of 2^27 such sums: large finite gradients are clipped like any others.
//
// Values that are not finite leave a mark in `coarse`: three numbers that no sum reaches. A mark
// stays whatever is added, and +inf and -inf make NaN, as in floats. Marks are not to be added up:
// an all-reduce needs the number of marked values first (0 in every good step), and `coarse` itself
// only where some value went there.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "lacos/base/check.h"
#include "lacos/tensor/tensor_view.h"

namespace lacos {

// Two tensors of the parameter's shape. A sum in floats (the reference backend's) is all in `fine`.
struct GradientSum {
  TensorView fine;    // I64 in units of 2^-52, or a floating type
  TensorView coarse;  // I64 in units of 2^-12; absent when `fine` is of a floating type

  explicit operator bool() const { return static_cast<bool>(fine); }
  size_t Bytes() const { return fine.Bytes() + coarse.Bytes(); }
};

inline constexpr double kFineUnits = 0x1p52, kCoarseUnits = 0x1p12;  // in 1
inline constexpr int64_t kNaNMark = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kInfinityMark = std::numeric_limits<int64_t>::max();  // or its negative

// What one leaf may add when a step has so many: all of them together stay within 2^62 units.
struct LeafLimits {
  explicit LeafLimits(int64_t leaves)
      : fine(1024.0f / static_cast<float>(leaves)), coarse((int64_t{1} << 62) / leaves) {
    // Then a rest of half a coarse unit is within `fine`. 2^31 tokens have at most that many.
    LACOS_CHECK(leaves >= 1 && leaves <= int64_t{1} << 23, "a step has 1 to 2^23 leaves");
  }
  float fine;      // smaller magnitudes go into `fine` alone
  int64_t coarse;  // in coarse units
};

inline bool IsMark(int64_t coarse) {
  return coarse == kNaNMark || coarse == kInfinityMark || coarse == -kInfinityMark;
}

// Adds one leaf's value to one element of a sum: the definition that every backend follows.
inline void AddLeaf(float value, const LeafLimits& limits, int64_t& fine, int64_t& coarse) {
  const double exact = value;
  if (std::abs(value) < limits.fine) {
    fine += std::llrint(exact * kFineUnits);
  } else if (std::isfinite(value)) {
    const double units = std::nearbyint(exact * kCoarseUnits);
    fine += std::llrint((exact - units / kCoarseUnits) * kFineUnits);
    if (IsMark(coarse)) return;
    const bool beyond = std::abs(units) >= static_cast<double>(limits.coarse);
    coarse += !beyond ? static_cast<int64_t>(units) : units > 0 ? limits.coarse : -limits.coarse;
  } else {
    const int64_t mark = std::isnan(value) ? kNaNMark : value > 0 ? kInfinityMark : -kInfinityMark;
    coarse = IsMark(coarse) && coarse != mark ? kNaNMark : mark;
  }
}

// The sum as the nearest float, or as what its mark says.
inline float ReadSum(int64_t fine, int64_t coarse) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (coarse == kNaNMark) return std::numeric_limits<float>::quiet_NaN();
  if (IsMark(coarse)) return coarse > 0 ? kInfinity : -kInfinity;
  return static_cast<float>(static_cast<double>(coarse) / kCoarseUnits +
                            static_cast<double>(fine) / kFineUnits);
}

}  // namespace lacos
