// Moving values between f32, bf16 and 8-bit codes at memory speed.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// y[i] = x[i], rounded to nearest even where y is bf16. n values, one thread.
void ConvertFloats(ConstFloats x, int64_t n, Floats y);

// y[i] = x[i] * scale[i], rounded to bf16 when `round` (even if y is f32). scale [n] may be null.
void ConvertScaled(ConstFloats x, const float* scale, bool round, int64_t n, Floats y);

// y[i] = codes[i] * scale; rounded to bf16 when `round`. Any alignment of codes.
void DecodeLinearCodes(const std::byte* codes, float scale, bool round, int64_t n, Floats y);

// The Highway target that the kernels run on, e.g. "AVX2".
const char* HighwayTarget();

}  // namespace lacos::cpu
