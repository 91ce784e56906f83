// Conversions to and from the 16-bit floating types: every bit pattern, and the rounding of values
// between them.
#include "lacos/tensor/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lacos/base/rng.h"

namespace lacos {
namespace {

// The value of a bit pattern by the definition of the format, in double, which is exact for
// both formats.
double ValueOf(uint32_t pattern, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint32_t mantissa = pattern & ((1u << mantissa_bits) - 1);
  const auto exponent = static_cast<int>(pattern >> mantissa_bits & ((1u << exponent_bits) - 1));
  const double sign = pattern >> 15 != 0 ? -1.0 : 1.0;
  if (exponent == (1 << exponent_bits) - 1) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  const double fraction = std::ldexp(static_cast<double>(mantissa), -mantissa_bits);
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias)
                               : std::ldexp(1.0 + fraction, exponent - bias));
}

struct Format {
  const char* name;
  int exponent_bits, mantissa_bits;
  float (*decode)(uint16_t);
  uint16_t (*encode)(float);
};

const Format kFormats[] = {{"f16", 5, 10, F16ToFloat, FloatToF16},
                           {"bf16", 8, 7, BF16ToFloat, FloatToBF16}};

bool IsNaN(const Format& format, uint16_t bits) {
  return std::isnan(ValueOf(bits, format.exponent_bits, format.mantissa_bits));
}

TEST(Convert, DecodesAll65536Patterns) {
  for (const Format& format : kFormats) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      const double expected = ValueOf(bits, format.exponent_bits, format.mantissa_bits);
      const float found = format.decode(static_cast<uint16_t>(bits));
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(found)) << format.name << " " << bits;
      } else {
        ASSERT_EQ(static_cast<double>(found), expected) << format.name << " " << bits;
        ASSERT_EQ(std::signbit(found), bits >> 15 != 0) << format.name << " " << bits;
      }
    }
  }
}

TEST(Convert, EveryPatternComesBack) {
  for (const Format& format : kFormats) {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      const auto pattern = static_cast<uint16_t>(bits);
      const uint16_t back = format.encode(format.decode(pattern));
      if (IsNaN(format, pattern)) {
        ASSERT_TRUE(IsNaN(format, back)) << format.name << " " << bits;
      } else {
        ASSERT_EQ(back, pattern) << format.name;
      }
    }
  }
}

// A value between two neighbours is rounded down just below the middle and up just above it. The
// middle itself is rounded to the even pattern.
TEST(Convert, RoundsToNearestAndTiesToEven) {
  for (const Format& format : kFormats) {
    const auto infinity =
        static_cast<uint32_t>(((1u << format.exponent_bits) - 1) << format.mantissa_bits);
    for (const uint32_t sign : {0u, 0x8000u}) {
      for (uint32_t low = 0; low < infinity; ++low) {
        const double a = ValueOf(low, format.exponent_bits, format.mantissa_bits);
        // Above the largest finite value the grid continues as if the exponent were unlimited.
        const double b = low + 1 < infinity
                             ? ValueOf(low + 1, format.exponent_bits, format.mantissa_bits)
                             : std::ldexp(1.0, 1 << (format.exponent_bits - 1));
        const double middle_exact = (a + b) / 2;
        const auto middle = static_cast<float>(middle_exact);
        ASSERT_EQ(static_cast<double>(middle), middle_exact)
            << "the middle has one bit more, which float holds";
        const float below = std::nextafter(middle, 0.0f);
        const float above = std::nextafter(middle, std::numeric_limits<float>::infinity());
        const float s = sign != 0 ? -1.0f : 1.0f;
        ASSERT_EQ(format.encode(s * middle), sign | (low + (low & 1u)))
            << format.name << " " << low;
        ASSERT_EQ(format.encode(s * below), sign | low) << format.name << " " << low;
        ASSERT_EQ(format.encode(s * above), sign | (low + 1)) << format.name << " " << low;
      }
    }
  }
}

TEST(Convert, KeepsNaNWhateverItsPayload) {
  for (const uint32_t bits : {0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFC12345u}) {
    const float nan = std::bit_cast<float>(bits);
    for (const Format& format : kFormats) {
      const uint16_t encoded = format.encode(nan);
      EXPECT_TRUE(IsNaN(format, encoded)) << format.name;
      EXPECT_EQ(encoded >> 15, static_cast<int>(bits >> 31)) << format.name;
    }
  }
}

TEST(Convert, ArraysOfAnyAlignmentEqualTheScalars) {
  Random random(1, RandomStream::kWeights);
  std::vector<float> values(257);
  for (float& value : values) value = static_cast<float>(random.Normal() * 100);
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}) {
    std::vector<std::byte> bytes(values.size() * SizeOf(dtype) + 1);
    ASSERT_TRUE(EncodeFromFloat(dtype, values.data(), values.size(), bytes.data() + 1));
    std::vector<float> back(values.size());
    ASSERT_TRUE(DecodeToFloat(dtype, bytes.data() + 1, values.size(), back.data()));
    for (size_t i = 0; i < values.size(); ++i) {
      float expected = values[i];
      if (dtype == DType::kF16) expected = F16ToFloat(FloatToF16(values[i]));
      if (dtype == DType::kBF16) expected = RoundToBF16(values[i]);
      ASSERT_EQ(back[i], expected) << Name(dtype);
    }
  }
}

TEST(Convert, RefusesTypesThatAreNotFloating) {
  float value = 1;
  std::byte bytes[16];
  for (const DType dtype : {DType::kI8, DType::kU8, DType::kI32, DType::kI64}) {
    EXPECT_FALSE(EncodeFromFloat(dtype, &value, 1, bytes));
    EXPECT_FALSE(DecodeToFloat(dtype, bytes, 1, &value));
  }
}

}  // namespace
}  // namespace lacos
