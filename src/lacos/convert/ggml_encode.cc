#include "lacos/convert/ggml_encode.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "lacos/base/check.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

void EncodeQ8Block(const float* values, std::byte* out) {
  float largest = 0;
  for (int64_t i = 0; i < kQ8Block; ++i) largest = std::max(largest, std::fabs(values[i]));
  const float d = largest / 127;
  // If the scale is so small that its inverse overflows, it is zero in F16 anyway, and the block
  // becomes zeros.
  const float inverse = d == 0 || !std::isfinite(1 / d) ? 0 : 1 / d;
  const uint16_t scale = FloatToF16(d);
  std::memcpy(out, &scale, sizeof(scale));
  for (int64_t i = 0; i < kQ8Block; ++i) {
    out[sizeof(scale) + static_cast<size_t>(i)] =
        static_cast<std::byte>(static_cast<int8_t>(std::round(values[i] * inverse)));
  }
}

}  // namespace

void EncodeGgml(GgmlType type, std::span<const float> values, std::byte* out) {
  switch (type) {
    case GgmlType::kF32:
      EncodeFromFloat(DType::kF32, values.data(), values.size(), out);
      return;
    case GgmlType::kF16:
      EncodeFromFloat(DType::kF16, values.data(), values.size(), out);
      return;
    case GgmlType::kBF16:
      EncodeFromFloat(DType::kBF16, values.data(), values.size(), out);
      return;
    case GgmlType::kQ8_0:
      LACOS_CHECK(static_cast<int64_t>(values.size()) % kQ8Block == 0,
                  "rows of Q8_0 are whole blocks");
      for (size_t i = 0; i < values.size(); i += kQ8Block, out += kQ8BlockBytes) {
        EncodeQ8Block(values.data() + i, out);
      }
      return;
  }
}

}  // namespace lacos
