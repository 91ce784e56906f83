// The arithmetic of matrix products with frozen weights.
#pragma once

#include <cstdint>

namespace lacos {

// How matrix products with frozen weights are computed; everything else stays f32.
enum class Compute : uint8_t { kF32, kBF16, kInt8 };

}  // namespace lacos
