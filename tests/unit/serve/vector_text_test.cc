// Every float32 survives its text, read as a double, and its base64.
#include "lacos/serve/protocol/vector_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "lacos/base/rng.h"
#include "lacos/io/json.h"

namespace lacos::serve {
namespace {

std::string TextOf(float value) {
  std::string text;
  AppendFloat(value, text);
  return text;
}

std::string Base64Of(std::vector<float> values) {
  std::string text;
  AppendBase64(values, text);
  return text;
}

// The bits that a client gets that reads doubles and keeps float32.
uint32_t BitsThroughDouble(uint32_t bits, std::string& text) {
  text.clear();
  AppendFloat(std::bit_cast<float>(bits), text);
  return std::bit_cast<uint32_t>(static_cast<float>(std::strtod(text.c_str(), nullptr)));
}

bool IsFinite(uint32_t bits) { return (bits >> 23 & 255) != 255; }

TEST(VectorText, EveryExponentReturnsItsBits) {
  std::string text;
  for (uint32_t exponent = 0; exponent < 255; ++exponent) {
    for (const uint32_t mantissa :
         {0u, 1u, 2u, 0x2AAAAAu, 0x3FFFFFu, 0x400000u, 0x555555u, 0x7FFFFEu, 0x7FFFFFu}) {
      for (const uint32_t sign : {0u, 1u}) {
        const uint32_t bits = sign << 31 | exponent << 23 | mantissa;
        ASSERT_EQ(BitsThroughDouble(bits, text), bits) << text;
      }
    }
  }
}

// The shortest float32 text of this value, 7.038531e-26, is read as a double that lies in the middle
// between two floats. A run over all patterns found it.
TEST(VectorText, RoundingTwiceDoesNotChangeAValue) {
  std::string text;
  for (const uint32_t bits : {363742205u, 363742205u | 1u << 31}) {
    EXPECT_EQ(BitsThroughDouble(bits, text), bits) << text;
    EXPECT_LE(text.size(), 25u);
  }
}

TEST(VectorText, TenMillionRandomPatternsReturnTheirBits) {
  Random random(21, RandomStream::kBatch);
  std::string text;
  for (int i = 0; i < 10'000'000; ++i) {
    const auto bits = random.Next32();
    if (!IsFinite(bits)) continue;
    ASSERT_EQ(BitsThroughDouble(bits, text), bits) << text;
  }
}

// All 2^32 patterns, which takes some ten minutes: --gtest_also_run_disabled_tests.
TEST(VectorText, DISABLED_EveryFloatReturnsItsBits) {
  std::string text;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; ++bits) {
    const auto pattern = static_cast<uint32_t>(bits);
    if (!IsFinite(pattern)) continue;
    ASSERT_EQ(BitsThroughDouble(pattern, text), pattern) << text;
  }
}

TEST(VectorText, NumbersAreJsonFloatsAndShort) {
  EXPECT_EQ(TextOf(0.0f), "0.0");
  EXPECT_EQ(TextOf(-0.0f), "-0.0");
  EXPECT_EQ(TextOf(1.0f), "1.0");
  EXPECT_EQ(TextOf(0.1f), "0.1");
  EXPECT_EQ(TextOf(-0.033333335f), "-0.033333335");
  for (const float value : {1e-45f, 3.4028235e38f, 1e10f, 16777216.0f, 1.1754944e-38f}) {
    const std::string text = TextOf(value);
    EXPECT_EQ(static_cast<float>(Json::Parse(text, "text").AsDouble()), value) << text;
    EXPECT_FALSE(Json::Parse(text, "text").IsInteger()) << text;
  }
  std::string list;
  AppendFloats(std::vector<float>{0.5f, -2.0f}, list);
  EXPECT_EQ(list, "[0.5,-2.0]");
}

TEST(VectorText, Base64IsLittleEndianFloat32) {
  EXPECT_EQ(Base64Of({}), "");
  EXPECT_EQ(Base64Of({1.0f}), "AACAPw==");  // Python: base64.b64encode(struct.pack('<f', 1))
  EXPECT_EQ(Base64Of({1.0f, -2.5f}), "AACAPwAAIMA=");            // struct.pack('<2f', 1, -2.5)
  EXPECT_EQ(Base64Of({1.0f, -2.5f, 0.1f}), "AACAPwAAIMDNzMw9");  // struct.pack('<3f', 1, -2.5, 0.1)
}

}  // namespace
}  // namespace lacos::serve
