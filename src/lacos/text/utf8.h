// A decoder for UTF-8 that never reads outside the text, whatever the bytes are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lacos {

struct CodePoint {
  char32_t value = 0;
  int length = 0;  // number of bytes, at least 1
};

// The value for an invalid byte. It is larger than every code point, so it is in no class or table.
inline constexpr char32_t kInvalidCodePoint = 0xFFFFFFFF;

inline bool IsContinuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

// The code point at text[i], i < text.size(). An invalid byte gives kInvalidCodePoint with length
// 1.
inline CodePoint DecodeUtf8(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<uint8_t>(text[i + k]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const int length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || i + length > text.size()) return {kInvalidCodePoint, 1};
  char32_t value = lead & (0x7F >> length);
  for (int k = 1; k < length; ++k) {
    if (!IsContinuation(text[i + k])) return {kInvalidCodePoint, 1};
    value = value << 6 | (byte(k) & 0x3F);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    return {kInvalidCodePoint, 1};
  return {value, length};
}

}  // namespace lacos
