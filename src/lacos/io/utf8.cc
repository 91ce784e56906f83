#include "lacos/io/utf8.h"

#include <cstdint>
#include <cstring>

namespace lacos {
namespace {

struct Sequence {
  size_t size;  // bytes of the well-formed character, or of the maximal ill-formed subpart
  bool valid;
};

// Unicode 15.0, table 3-7: the range of the second byte depends on the first, and all other bytes
// are in 80..BF.
Sequence Scan(const unsigned char* p, const unsigned char* end) {
  const unsigned char lead = *p;
  if (lead < 0x80) return {1, true};
  size_t size = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  for (size_t i = 1; i < size; ++i) {
    if (p + i == end || p[i] < low || p[i] > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

}  // namespace

size_t FindInvalidUtf8(std::string_view text) {
  const auto* begin = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = begin + text.size();
  const auto* p = begin;
  while (p != end) {
    while (end - p >= 8) {  // eight ASCII bytes at a time
      uint64_t word;
      std::memcpy(&word, p, 8);
      if ((word & 0x8080808080808080u) != 0) break;
      p += 8;
    }
    while (p != end && *p < 0x80) ++p;
    while (p != end && *p >= 0x80) {
      const Sequence sequence = Scan(p, end);
      if (!sequence.valid) return static_cast<size_t>(p - begin);
      p += sequence.size;
    }
  }
  return std::string_view::npos;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p != end) {
    const Sequence sequence = Scan(p, end);
    if (sequence.valid) {
      out.append(reinterpret_cast<const char*>(p), sequence.size);
    } else {
      out += "\xEF\xBF\xBD";
    }
    p += sequence.size;
  }
  return out;
}

}  // namespace lacos
