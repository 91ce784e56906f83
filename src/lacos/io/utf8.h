// UTF-8 validation as the Unicode standard defines it: no surrogates, no overlong forms, nothing
// above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lacos {

// Position of the first byte of the first ill-formed sequence, or npos.
size_t FindInvalidUtf8(std::string_view text);
inline bool IsValidUtf8(std::string_view text) {
  return FindInvalidUtf8(text) == std::string_view::npos;
}

// U+FFFD for each maximal subpart of an ill-formed sequence (Unicode 3.9, "U+FFFD Substitution of
// Maximal Subparts"), which is what Python's errors='replace' does.
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace lacos
