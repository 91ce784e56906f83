// The ceiling of this machine, measured once for each compute mode, so that every benchmark can
// report its share of it.
#pragma once

#include <array>
#include <optional>

#include "lacos/kernels/ceiling.h"

namespace lacos {

inline const MachineCeiling& CeilingOf(Compute compute) {
  static std::array<std::optional<MachineCeiling>, 3> measured;
  auto& ceiling = measured.at(static_cast<size_t>(compute));
  if (!ceiling) ceiling = MeasureCeiling(compute);
  return *ceiling;
}

inline const char* Name(Compute compute) {
  switch (compute) {
    case Compute::kF32:
      return "f32";
    case Compute::kBF16:
      return "bf16";
    case Compute::kInt8:
      return "int8";
  }
  return "?";
}

}  // namespace lacos
