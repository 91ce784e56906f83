#include "lacos/text/byte_level.h"

#include <array>

#include "lacos/io/utf8.h"
#include "lacos/text/utf8.h"

namespace lacos {
namespace {

constexpr bool IsPrintable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
         (byte >= 0xAE && byte <= 0xFF);
}

constexpr int kFirstMoved = 0x100;
constexpr int kMovedBytes = 68;

struct ByteLevelTables {
  std::array<uint16_t, 256> character{};
  std::array<uint8_t, kMovedBytes> moved{};  // moved[c - 0x100] is the byte of character c
};

constexpr ByteLevelTables MakeTables() {
  ByteLevelTables tables;
  int moved = 0;
  for (int byte = 0; byte < 256; ++byte) {
    if (IsPrintable(byte)) {
      tables.character[byte] = static_cast<uint16_t>(byte);
    } else {
      tables.moved[moved] = static_cast<uint8_t>(byte);
      tables.character[byte] = static_cast<uint16_t>(kFirstMoved + moved++);
    }
  }
  return tables;
}

constexpr ByteLevelTables kTables = MakeTables();

}  // namespace

char32_t ByteLevelCharacter(uint8_t byte) { return kTables.character[byte]; }

std::optional<uint8_t> ByteOfCharacter(char32_t character) {
  if (character < 0x100) {
    if (!IsPrintable(static_cast<int>(character))) return std::nullopt;
    return static_cast<uint8_t>(character);
  }
  if (character >= kFirstMoved + kMovedBytes) return std::nullopt;
  return kTables.moved[character - kFirstMoved];
}

void AppendByteLevel(std::string_view bytes, std::string& spelled) {
  for (const char byte : bytes) {
    const char32_t character = ByteLevelCharacter(static_cast<uint8_t>(byte));
    AppendUtf8(character, spelled);
  }
}

void AppendBytesOf(std::string_view spelled, std::string& bytes) {
  const size_t start = bytes.size();
  for (size_t i = 0; i < spelled.size();) {
    const CodePoint point = DecodeUtf8(spelled, i);
    const std::optional<uint8_t> byte = ByteOfCharacter(point.value);
    if (!byte) {
      bytes.resize(start);
      bytes.append(spelled);
      return;
    }
    bytes.push_back(static_cast<char>(*byte));
    i += point.length;
  }
}

}  // namespace lacos
