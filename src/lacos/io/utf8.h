// UTF-8 validation as the Unicode standard defines it (no surrogates, no overlong forms, nothing
// above U+10FFFF), and encoding.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lacos {

// The position of the first byte of the first ill-formed sequence, or npos.
size_t FindInvalidUtf8(std::string_view text);
inline bool IsValidUtf8(std::string_view text) {
  return FindInvalidUtf8(text) == std::string_view::npos;
}

// Replaces each maximal subpart of an ill-formed sequence by U+FFFD (Unicode 3.9, "U+FFFD
// Substitution of Maximal Subparts"), as Python's errors='replace' does.
std::string ReplaceInvalidUtf8(std::string_view text);

// Appends the UTF-8 form of a code point, at most U+10FFFF.
inline void AppendUtf8(char32_t c, std::string& text) {
  const auto trail = [&](int shift) { text += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
    trail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12);
    trail(6);
    trail(0);
  } else {
    text += static_cast<char>(0xF0 | c >> 18);
    trail(12);
    trail(6);
    trail(0);
  }
}

}  // namespace lacos
