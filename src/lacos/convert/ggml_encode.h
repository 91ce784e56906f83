// Values in ggml's element types, bit for bit as the gguf package and llama.cpp's converter write
// them.
#pragma once

#include <cstddef>
#include <span>

#include "lacos/io/gguf_writer.h"

namespace lacos {

// Encodes whole rows (for Q8_0: a multiple of 32 values) to GgmlBytes(type, values.size()) bytes.
// F16 and BF16 round to nearest even. Q8_0 is ggml's reference: per 32 values d = max|x| / 127,
// codes
// round(x * (1 / d)) with halves away from zero, all in float32, and d stored as F16.
void EncodeGgml(GgmlType type, std::span<const float> values, std::byte* out);

}  // namespace lacos
