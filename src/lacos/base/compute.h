// The arithmetic of matrix products with frozen weights.
#pragma once

#include <cstdint>
#include <string_view>

#include "lacos/base/enum_names.h"

namespace lacos {

// How matrix products with frozen weights are computed; everything else stays f32.
enum class Compute : uint8_t { kF32, kBF16, kInt8 };

struct ComputeNames {
  Compute value;
  std::string_view word;
  int32_t c_value;  // lacos_compute of include/lacos.h
};
inline constexpr auto kComputeNames = MakeEnumNames<ComputeNames>({
    {Compute::kF32, "f32", 1},
    {Compute::kBF16, "bf16", 2},
    {Compute::kInt8, "int8", 3},
});
constexpr const auto& NamesOf(Compute) { return kComputeNames; }

}  // namespace lacos
