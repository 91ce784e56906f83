// Block-wise 8-bit encoding and decoding of float arrays, with linear codes and with bitsandbytes'
// dynamic codes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lacos/quant/quantized_matrix.h"

namespace lacos {

// bitsandbytes' create_dynamic_map(is_signed, 7, 8): 256 ascending values in [-1, 1], or [0, 1]
// when unsigned. Source: Dettmers et al., "8-bit Optimizers via Block-wise Quantization" (2022).
const std::array<float, 256>& DynamicMap(bool is_signed);

// The index of the map entry that is nearest to `value`. A tie goes to the lower index. NaN gets
// the code of 0.
uint8_t NearestCode(std::span<const float, 256> map, float value);

// The step between neighbouring linear codes: absmax / 127, rounded once to float. A decoded value
// is the float product code * LinearScale(absmax); integer products apply the same scale to their
// sums. Where the scale would be subnormal (absmax below about 1.6e-30) the value is code * absmax
// / 127 in double, rounded once, so that tiny blocks keep their relative precision.
inline float LinearScale(float absmax) { return absmax / 127.0f; }

// Linear codes: code = rint(w * (127 / absmax)), half to even, with both operations in float. Where
// 127 / absmax overflows (absmax below 3.7e-37) both operations are in double instead. An all-zero
// block has absmax 0 and codes 0. NaN is encoded as 0. The last block may be short. `absmax` has
// CeilDivide(values.size(), block_size) entries.
void EncodeLinear(std::span<const float> values, int64_t block_size, int8_t* codes, float* absmax);
// Dynamic codes: the entry of `map` that is nearest to w / absmax (a float division); ties go to
// the lower index. The stored absmax is at least 1e-38, so an all-zero block holds the map's code
// of 0.
void EncodeDynamic(std::span<const float> values, int64_t block_size,
                   std::span<const float, 256> map, uint8_t* codes, float* absmax);

// Dynamic codes as bitsandbytes 0.50.2 encodes optimizer states and weights on CPUs: w / absmax is
// rounded to a grid of 65,536 points over [-1, 1] and gets the code that is nearest to that point.
// So codes closer to zero than the grid's step are never used. An all-zero block has absmax 0 and
// codes 0; NaN and infinities get code 0. The shapes are those of EncodeDynamic.
void EncodeDynamicGrid(std::span<const float> values, int64_t block_size, bool is_signed,
                       uint8_t* codes, float* absmax);

// Decodes the values [begin, begin + count) of the flattened matrix to float. These are the weights
// that every computation uses. `codes` and `absmax` may have any alignment.
void Decode(const QuantizedMatrix& matrix, int64_t begin, int64_t count, float* out);

}  // namespace lacos
