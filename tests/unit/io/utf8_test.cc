// Only well-formed UTF-8 is accepted, which is exactly the sequences in table 3-7 of the Unicode
// standard, which the test derives by encoding every code point.
#include "lacos/io/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace lacos {
namespace {

std::string Encode(char32_t c) {
  std::string text;
  AppendUtf8(c, text);
  return text;
}

// Examples of table 3-4 in the Unicode standard, and the first and last code point of each length.
TEST(AppendUtf8, WritesOneToFourBytes) {
  EXPECT_EQ(Encode(0), std::string(1, '\0'));
  EXPECT_EQ(Encode(0x4D), "\x4D");
  EXPECT_EQ(Encode(0x7F), "\x7F");
  EXPECT_EQ(Encode(0x80), "\xC2\x80");
  EXPECT_EQ(Encode(0x430), "\xD0\xB0");
  EXPECT_EQ(Encode(0x7FF), "\xDF\xBF");
  EXPECT_EQ(Encode(0x800), "\xE0\xA0\x80");
  EXPECT_EQ(Encode(0x4E8C), "\xE4\xBA\x8C");
  EXPECT_EQ(Encode(0xFFFF), "\xEF\xBF\xBF");
  EXPECT_EQ(Encode(0x10000), "\xF0\x90\x80\x80");
  EXPECT_EQ(Encode(0x10302), "\xF0\x90\x8C\x82");
  EXPECT_EQ(Encode(0x10FFFF), "\xF4\x8F\xBF\xBF");
  std::string text = "a";
  AppendUtf8(0xE9, text);
  EXPECT_EQ(text, "a\xC3\xA9");
}

TEST(Utf8, AcceptsEveryScalarValueAndNoSurrogate) {
  for (uint32_t c = 0; c <= 0x10FFFF; ++c) {
    ASSERT_EQ(IsValidUtf8(Encode(c)), c < 0xD800 || c > 0xDFFF) << c;
  }
  EXPECT_FALSE(IsValidUtf8(Encode(0x110000)));
}

TEST(Utf8, RefusesEveryTwoAndThreeByteStringThatIsNoEncoding) {
  std::set<std::string> one_or_two, three;
  for (uint32_t c = 0x80; c < 0x800; ++c) one_or_two.insert(Encode(c));
  for (uint32_t c = 0x800; c < 0x10000; ++c) {
    if (c < 0xD800 || c > 0xDFFF) three.insert(Encode(c));
  }
  for (int a = 0x80; a < 256; ++a) {
    for (int b = 0x80; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b)};
      ASSERT_EQ(IsValidUtf8(text), one_or_two.contains(text));
      if (a < 0xE0 || a > 0xEF) continue;
      for (int c = 0; c < 256; c += 7) {
        const std::string longer = text + static_cast<char>(c);
        ASSERT_EQ(IsValidUtf8(longer), three.contains(longer)) << a << " " << b << " " << c;
      }
    }
  }
}

TEST(Utf8, FindsTheFirstBadByteWhereverItIs) {
  for (size_t i = 0; i < 40; ++i) {
    std::string text(40, 'a');
    text[i] = '\xFF';
    EXPECT_EQ(FindInvalidUtf8(text), i);
  }
  EXPECT_EQ(FindInvalidUtf8("caf\xC3\xA9 \xE2\x82"), 6u);  // cut inside the euro sign
  EXPECT_EQ(FindInvalidUtf8(""), std::string::npos);
}

// The expected values are those of bytes(...).decode('utf-8', errors='replace') in Python 3.11. The
// first example is from the standard (table 3-11).
TEST(Utf8, ReplacesMaximalSubpartsAsPythonDoes) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(ReplaceInvalidUtf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(ReplaceInvalidUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(ReplaceInvalidUtf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(ReplaceInvalidUtf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(ReplaceInvalidUtf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
  EXPECT_EQ(ReplaceInvalidUtf8("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
}

}  // namespace
}  // namespace lacos
