// Conversion of values between f32, bf16 and 8-bit codes at the speed of memory.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/floats.h"

namespace lacos::cpu {

// y[i] = x[i] for n values, rounded to nearest even if y is bf16. Runs on one thread.
void ConvertFloats(ConstFloats x, int64_t n, Floats y);

// y[i] = x[i] * scale[i], rounded to bf16 if `round` is set, even if y is f32. scale may be null.
void ConvertScaled(ConstFloats x, const float* scale, bool round, int64_t n, Floats y);

// y[i] = codes[i] * scale, rounded to bf16 if `round` is set. The codes may have any alignment.
void DecodeLinearCodes(const std::byte* codes, float scale, bool round, int64_t n, Floats y);

// The Highway target that the kernels run on, such as "AVX2".
const char* HighwayTarget();

}  // namespace lacos::cpu
