// The gradient of one parameter while it is summed: in 64-bit integers, so that the order of the
// additions does not matter.
//
// The gradient of a step is a sum with one f32 value from each leaf (a leaf is a fixed run of
// tokens, see TokenLeaves in backend.h). Additions of floats depend on their order; additions of
// integers do not. So leaves may be computed by any thread, in any chunk, on any device or machine,
// and a plain all-reduce of the integers gives the bytes of one process.
//
// Most values go into `fine`, in units of 2^-52. The error of each is at most 2^-53, which for
// values above 2e-9 is less than the rounding of f32 itself. A value that is too large for that is
// split: whole multiples of 2^-12 go into `coarse`, the rest into `fine`. Both parts are exact.
// What counts as too large (LeafLimits) depends only on the number of leaves in the whole step, so
// it does not depend on who adds what. A value beyond 2^50 / leaves is replaced by that limit. So
// the sum is finite, and so is the f32 sum of the squares of 2^27 such sums: large finite gradients
// are clipped like any others.
//
// Values that are not finite leave a mark in `coarse`: one of three numbers that no sum reaches. A
// mark stays, whatever is added, and +inf and -inf together give NaN, as in floats. Marks must not
// be added up: an all-reduce has to sum the number of marked values first (0 in every good step),
// and needs `coarse` itself only if some value went there.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "lacos/base/check.h"
#include "lacos/tensor/tensor_view.h"

namespace lacos {

// Two tensors with the parameter's shape. A sum in floats (reference backend) uses `fine` alone.
struct GradientSum {
  TensorView fine;    // I64 in units of 2^-52, or a floating type
  TensorView coarse;  // I64 in units of 2^-12; absent if `fine` has a floating type

  explicit operator bool() const { return static_cast<bool>(fine); }
  size_t Bytes() const { return fine.Bytes() + coarse.Bytes(); }
};

inline constexpr double kFineUnits = 0x1p52, kCoarseUnits = 0x1p12;  // units in the number 1
inline constexpr int64_t kNaNMark = std::numeric_limits<int64_t>::min();
// also with a negative sign
inline constexpr int64_t kInfinityMark = std::numeric_limits<int64_t>::max();

// The largest value that one leaf may add, given the number of leaves in the step: all leaves
// together stay within 2^62 units.
struct LeafLimits {
  explicit LeafLimits(int64_t leaves)
      : fine(1024.0f / static_cast<float>(leaves)), coarse((int64_t{1} << 62) / leaves) {
    // With so few leaves, a rest of half a coarse unit is within the limit of `fine`. Even 2^31
    // tokens have no more leaves than this.
    LACOS_CHECK(leaves >= 1 && leaves <= int64_t{1} << 23, "a step has 1 to 2^23 leaves");
  }
  float fine;      // values of smaller magnitude go into `fine` alone
  int64_t coarse;  // in coarse units
};

inline bool IsMark(int64_t coarse) {
  return coarse == kNaNMark || coarse == kInfinityMark || coarse == -kInfinityMark;
}

// Adds the value of one leaf to one element of a sum. Every backend follows this definition.
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

// The sum as the nearest float, or the value that its mark stands for.
inline float ReadSum(int64_t fine, int64_t coarse) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (coarse == kNaNMark) return std::numeric_limits<float>::quiet_NaN();
  if (IsMark(coarse)) return coarse > 0 ? kInfinity : -kInfinity;
  return static_cast<float>(static_cast<double>(coarse) / kCoarseUnits +
                            static_cast<double>(fine) / kFineUnits);
}

}  // namespace lacos
