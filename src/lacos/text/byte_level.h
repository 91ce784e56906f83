// GPT-2's reversible spelling of bytes as printable characters. In tokenizer.json the vocabulary
// and merges are spelled this way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lacos {

// The character that stands for a byte. The printable bytes of Latin-1 (0x21-0x7E, 0xA1-0xAC,
// 0xAE-0xFF) stand for themselves. The other 68 bytes are U+0100, U+0101, ... in increasing order,
// so a space is U+0120.
char32_t ByteLevelCharacter(uint8_t byte);

// The byte for which a character stands, or nothing.
std::optional<uint8_t> ByteOfCharacter(char32_t character);

// The UTF-8 length of ByteLevelCharacter(byte): 1 for printable ASCII, else 2.
inline int ByteLevelLength(uint8_t byte) { return byte >= 0x21 && byte <= 0x7E ? 1 : 2; }

// Appends the spelling of `bytes`, in UTF-8.
void AppendByteLevel(std::string_view bytes, std::string& spelled);

// Appends the bytes that a vocabulary entry stands for. An entry with any other character is taken
// literally, as Hugging Face's ByteLevel decoder does.
void AppendBytesOf(std::string_view spelled, std::string& bytes);

}  // namespace lacos
