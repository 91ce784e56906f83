#include "lacos/serve/protocol/vector_text.h"

#include <bit>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace lacos::serve {

void AppendFloat(float value, std::string& out) {
  char digits[32];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  // The shortest text of a float32 may lie so near to the middle between two of them that the double
  // is that middle, which rounds to the other one: 7.038531e-26. The digits of the double are exact.
  double read = 0;
  std::from_chars(digits, end, read);
  if (static_cast<float>(read) != value)
    end = std::to_chars(digits, digits + sizeof digits, static_cast<double>(value)).ptr;
  const std::string_view text(digits, static_cast<size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void AppendFloats(std::span<const float> values, std::string& out) {
  out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    AppendFloat(values[i], out);
  }
  out += ']';
}

void AppendBase64(std::span<const float> values, std::string& out) {
  static constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t group = 0;
  int bytes = 0;  // bytes in the group
  const auto flush = [&] {
    for (int i = 0; i < 4; ++i) out += i <= bytes ? kLetters[group >> (18 - 6 * i) & 63] : '=';
    group = 0;
    bytes = 0;
  };
  out.reserve(out.size() + (values.size_bytes() + 2) / 3 * 4);
  for (const float value : values) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte) {
      group |= (bits >> (8 * byte) & 255) << (16 - 8 * bytes);
      if (++bytes == 3) flush();
    }
  }
  if (bytes > 0) flush();
}

}  // namespace lacos::serve
