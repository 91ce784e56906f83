// Which code points are letters, numbers, whitespace, word characters (\w) and punctuation, as the
// regex engines of Hugging Face tokenizers classify them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace lacos {

enum UnicodeClass : uint8_t {
  kLetterClass = 1,
  kNumberClass = 2,
  kSpaceClass = 4,
  kWordClass = 8,
  kPunctuationClass = 16,  // Punctuation: ASCII symbols and an older version of Unicode punctuation
  kDigitClass = 32,        // Digits: numbers of another Unicode version than \p{N} in patterns
};

// A two-stage table, built once from the ranges of Unicode 16.0. (utf8proc 2.8 of Debian 12 has
// Unicode 15.0, which lacks 4,924 letters.)
class UnicodeTable {
 public:
  static const UnicodeTable& Get();

  // The classes of a code point as a bit set; none for values above U+10FFFF.
  uint8_t Classes(char32_t code_point) const {
    if (code_point > 0x10FFFF) return 0;
    return blocks_[block_of_[code_point >> 8] * 256u + (code_point & 0xFF)];
  }

 private:
  UnicodeTable();
  std::array<uint16_t, 0x1100> block_of_{};
  std::vector<uint8_t> blocks_;
};

}  // namespace lacos
