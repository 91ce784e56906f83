// Encodes values in ggml's element types, with exactly the bits that the gguf package and
// llama.cpp's converter write.
#pragma once

#include <cstddef>
#include <span>

#include "lacos/io/gguf_writer.h"

namespace lacos {

// Encodes whole rows (for Q8_0 a multiple of 32 values) to GgmlBytes(type, values.size()) bytes.
// F16 and BF16 are rounded to nearest even. Q8_0 is ggml's reference. For each 32 values,
//   d = max|x| / 127, stored as F16, and
//   codes = round(x * (1 / d)) with halves away from zero,
// all in float32.
void EncodeGgml(GgmlType type, std::span<const float> values, std::byte* out);

}  // namespace lacos
