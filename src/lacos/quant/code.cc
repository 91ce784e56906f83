// Linear 8-bit blocks, and decoding of every stored format. The loops over a block are plain, so
// that compilers vectorize them.
#include "lacos/quant/code.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

// Double precision is used below this value: absmax / 127 would lose bits to a subnormal quotient,
// or 127 / absmax would come near overflow.
constexpr float kTinyAbsmax = 0x1p-99f;

// The largest magnitude; NaN is ignored. The bits of floats without their sign are ordered as their
// magnitudes are, and comparing bits vectorizes without fast-math.
float BlockAbsmax(const float* values, int64_t n) {
  int32_t largest = 0;
  for (int64_t i = 0; i < n; ++i)
    largest = std::max(largest, std::bit_cast<int32_t>(values[i]) & 0x7FFFFFFF);
  if (largest <= 0x7F800000) return std::bit_cast<float>(largest);
  float absmax = 0;
  for (int64_t i = 0; i < n; ++i) absmax = std::fmax(absmax, std::fabs(values[i]));
  return absmax;
}

void EncodeLinearBlock(const float* values, int64_t n, float absmax, int8_t* codes) {
  const float scale = 127.0f / absmax;
  if (absmax == 0) {
    std::fill(codes, codes + n, int8_t{0});
  } else if (std::isinf(scale) || std::isinf(absmax)) {
    const double wide = 127.0 / static_cast<double>(absmax);
    for (int64_t i = 0; i < n; ++i) {
      const double x = std::nearbyint(values[i] * wide);
      codes[i] = std::isnan(x) ? int8_t{0} : static_cast<int8_t>(std::clamp(x, -127.0, 127.0));
    }
  } else {
    // Adding 1.5 * 2^23 leaves the nearest integer, half to even, in the low mantissa bits.
    constexpr float kMagic = 0x1.8p23f;
    for (int64_t i = 0; i < n; ++i) {
      const float x = values[i] * scale;
      const int32_t rounded = std::bit_cast<int32_t>(x + kMagic) - std::bit_cast<int32_t>(kMagic);
      codes[i] = x == x ? static_cast<int8_t>(rounded) : int8_t{0};
    }
  }
}

void DecodeLinearBlock(const int8_t* codes, int64_t n, float absmax, float* out) {
  if (absmax < kTinyAbsmax) [[unlikely]] {
    for (int64_t i = 0; i < n; ++i)
      out[i] = static_cast<float>(codes[i] * static_cast<double>(absmax) / 127.0);
    return;
  }
  const float scale = LinearScale(absmax);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(codes[i]) * scale;
}

void DecodeDynamicBlock(const uint8_t* codes, int64_t n, float absmax, const float* map,
                        float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = map[codes[i]] * absmax;
}

}  // namespace

void EncodeLinear(std::span<const float> values, int64_t block_size, int8_t* codes, float* absmax) {
  LACOS_CHECK(block_size > 0, "a block has at least one value");
  const auto count = static_cast<int64_t>(values.size());
  for (int64_t block = 0, begin = 0; begin < count; ++block, begin += block_size) {
    const int64_t n = std::min(block_size, count - begin);
    absmax[block] = BlockAbsmax(values.data() + begin, n);
    EncodeLinearBlock(values.data() + begin, n, absmax[block], codes + begin);
  }
}

void Decode(const QuantizedMatrix& matrix, int64_t begin, int64_t count, float* out) {
  LACOS_CHECK(begin >= 0 && count >= 0 && begin + count <= matrix.rows * matrix.cols,
              "values inside the matrix");
  if (matrix.scheme == QuantScheme::kNone) {
    const bool decoded = DecodeToFloat(
        matrix.dtype, matrix.codes + static_cast<size_t>(begin) * SizeOf(matrix.dtype),
        static_cast<size_t>(count), out);
    LACOS_CHECK(decoded, "a plain matrix has a floating type");
    return;
  }
  LACOS_CHECK(matrix.block_size > 0, "a block has at least one value");
  float map[256];
  if (matrix.scheme == QuantScheme::kDynamic) std::memcpy(map, matrix.code_map, sizeof(map));
  const auto* absmax_bytes = reinterpret_cast<const std::byte*>(matrix.absmax);
  while (count > 0) {
    const int64_t block = begin / matrix.block_size;
    const int64_t n = std::min(count, (block + 1) * matrix.block_size - begin);
    float absmax = 0;  // absmax may be unaligned in a mapped file
    std::memcpy(&absmax, absmax_bytes + static_cast<size_t>(block) * sizeof(float), sizeof(float));
    const std::byte* codes = matrix.codes + begin;
    if (matrix.scheme == QuantScheme::kLinear) {
      DecodeLinearBlock(reinterpret_cast<const int8_t*>(codes), n, absmax, out);
    } else {
      DecodeDynamicBlock(reinterpret_cast<const uint8_t*>(codes), n, absmax, map, out);
    }
    begin += n;
    out += n;
    count -= n;
  }
}

}  // namespace lacos
