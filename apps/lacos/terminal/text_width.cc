#include "terminal/text_width.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lacos/text/utf8.h"

namespace lacos::cli {
namespace {

using Range = std::pair<char32_t, char32_t>;

// Characters of two columns, sorted. Source: Unicode's EastAsianWidth.txt (W and F), merged into
// blocks of adjacent characters.
constexpr std::array<Range, 27> kWide = {
    {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},
     {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26A1, 0x26A1},   {0x26BD, 0x26BE},
     {0x2705, 0x2705},   {0x2728, 0x2728},   {0x274C, 0x274C},   {0x2795, 0x2797},
     {0x2B1B, 0x2B1C},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97C},
     {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6B},
     {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x17000, 0x18CFF}, {0x1AFF0, 0x1B2FF},
     {0x1F300, 0x1F64F}, {0x1F680, 0x1F9FF}, {0x20000, 0x3FFFD}}};

// Characters of no column, sorted. Source: Unicode's general categories Mn, Me and Cf, for the
// scripts that use combining marks the most.
constexpr std::array<Range, 31> kZero = {
    {{0x0300, 0x036F},  {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05C7}, {0x0610, 0x061A},
     {0x064B, 0x065F},  {0x0670, 0x0670}, {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x0900, 0x0902},
     {0x093A, 0x093A},  {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0981, 0x0981},
     {0x09BC, 0x09BC},  {0x09C1, 0x09C4}, {0x09CD, 0x09CD}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
     {0x0E47, 0x0E4E},  {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E},
     {0x2060, 0x2064},  {0x20D0, 0x20F0}, {0x302A, 0x302D}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
     {0xE0100, 0xE01EF}}};

bool Contains(const auto& ranges, char32_t value) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), value,
                       [](char32_t v, const Range& range) { return v < range.first; });
  return after != ranges.begin() && value <= std::prev(after)->second;
}

int CharacterWidth(char32_t value) {
  if (Contains(kZero, value)) return 0;
  return Contains(kWide, value) ? 2 : 1;
}

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = DecodeUtf8(text, i);
    width += CharacterWidth(point.value);
    i += static_cast<size_t>(point.length);
  }
  return width;
}

std::string Shortened(std::string_view text, int columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  int width = 0;
  size_t end = 0;
  while (end < text.size()) {
    const CodePoint point = DecodeUtf8(text, end);
    const int next = width + CharacterWidth(point.value);
    if (next > columns - 1) break;
    width = next;
    end += static_cast<size_t>(point.length);
  }
  return columns < 1 ? "" : std::string(text.substr(0, end)) + "…";
}

}  // namespace lacos::cli
