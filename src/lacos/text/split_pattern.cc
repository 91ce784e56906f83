#include "lacos/text/split_pattern.h"

#include <array>
#include <cstdint>

#include "lacos/text/utf8.h"

namespace lacos {
namespace {

// The meaning of a byte for BLOOM's class. Most bytes are inside a run, whether they are ASCII or
// part of a longer character. The breaking characters beyond ASCII begin with one of eight bytes.
enum BloomByte : uint8_t { kRun, kBreak, kMayBreak };

constexpr std::array<uint8_t, 256> MakeBloomBytes() {
  std::array<uint8_t, 256> bytes{};
  for (const char c : std::string_view("\t\n\v\f\r !(),.?|"))
    bytes[static_cast<uint8_t>(c)] = kBreak;
  for (const char c : std::string_view("\xC2\xD8\xDB\xE0\xE1\xE2\xE3\xEF"))
    bytes[static_cast<uint8_t>(c)] = kMayBreak;
  return bytes;
}
constexpr std::array<uint8_t, 256> kBloomBytes = MakeBloomBytes();

// The length of the breaking character at text[i], or 0 if that character belongs to a run. text[i]
// is kMayBreak.
size_t BreakLengthBeyondAscii(std::string_view text, size_t i) {
  const CodePoint point = DecodeUtf8(text, i);
  const char32_t c = point.value;
  const bool breaks = c == 0x85 || c == 0xA0 || c == 0x60C || c == 0x6D4 || c == 0x964 ||
                      c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2026 || c == 0x2028 ||
                      c == 0x2029 || c == 0x202F || c == 0x205F || (c >= 0x3000 && c <= 0x3002) ||
                      c == 0xFF0C;
  return breaks ? point.length : 0;
}

inline size_t BreakLength(std::string_view text, size_t i) {
  const uint8_t kind = kBloomBytes[static_cast<uint8_t>(text[i])];
  if (kind == kRun) return 0;
  return kind == kBreak ? 1 : BreakLengthBeyondAscii(text, i);
}

// In GPT-2's pattern every character is of exactly one of four kinds.
enum class Gpt2Kind : uint8_t { kLetter, kNumber, kSpace, kOther };

struct Gpt2Character {
  Gpt2Kind kind;
  int length;
};

constexpr std::array<Gpt2Kind, 128> MakeGpt2Ascii() {
  std::array<Gpt2Kind, 128> kinds{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= 0x09 && c <= 0x0D);
    kinds[c] = letter                 ? Gpt2Kind::kLetter
               : c >= '0' && c <= '9' ? Gpt2Kind::kNumber
               : space                ? Gpt2Kind::kSpace
                                      : Gpt2Kind::kOther;
  }
  return kinds;
}
constexpr std::array<Gpt2Kind, 128> kGpt2Ascii = MakeGpt2Ascii();

inline Gpt2Character Gpt2At(std::string_view text, size_t i, const UnicodeTable& unicode) {
  const auto byte = static_cast<uint8_t>(text[i]);
  if (byte < 0x80) return {kGpt2Ascii[byte], 1};
  const CodePoint point = DecodeUtf8(text, i);
  const uint8_t classes = unicode.Classes(point.value);
  const Gpt2Kind kind = classes & kLetterClass   ? Gpt2Kind::kLetter
                        : classes & kNumberClass ? Gpt2Kind::kNumber
                        : classes & kSpaceClass  ? Gpt2Kind::kSpace
                                                 : Gpt2Kind::kOther;
  return {kind, point.length};
}

// The length of a contraction at text[i], which is an apostrophe; 0 if there is none.
size_t ContractionLength(std::string_view text, size_t i) {
  const std::string_view rest = text.substr(i + 1, 2);
  if (rest.empty()) return 0;
  switch (rest[0]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return rest.size() == 2 && rest[1] == 'e' ? 3 : 0;
    case 'l':
      return rest.size() == 2 && rest[1] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

}  // namespace

std::optional<SplitPattern> SplitPatternOf(std::string_view regex) {
  if (regex == " ?[^(\\s|[.,!?…。，、।۔،])]+") return SplitPattern::kBloom;
  if (regex ==
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+") {
    return SplitPattern::kGpt2;
  }
  return std::nullopt;
}

size_t BloomPieceEnd(std::string_view text, size_t begin) {
  const auto begins_run = [&](size_t i) { return i < text.size() && BreakLength(text, i) == 0; };
  size_t i = begin;
  const bool blank = text[i] == ' ';
  if (blank ? begins_run(i + 1) : BreakLength(text, i) == 0) {
    for (++i; i < text.size(); ++i) {
      const uint8_t kind = kBloomBytes[static_cast<uint8_t>(text[i])];
      if (kind == kRun) continue;
      if (kind == kBreak || BreakLengthBeyondAscii(text, i) > 0) break;
    }
    return i;
  }
  // The text between two matches, up to the next run or to the single space that belongs to it.
  while (i < text.size()) {
    const size_t length = BreakLength(text, i);
    if (length == 0 || (i > begin && text[i] == ' ' && begins_run(i + 1))) break;
    i += length;
  }
  return i;
}

size_t Gpt2PieceEnd(std::string_view text, size_t begin, const UnicodeTable& unicode) {
  if (text[begin] == '\'') {
    const size_t length = ContractionLength(text, begin);
    if (length > 0) return begin + length;
  }
  size_t i = begin;
  Gpt2Character first = Gpt2At(text, i, unicode);
  if (text[begin] == ' ' && begin + 1 < text.size()) {
    const Gpt2Character second = Gpt2At(text, begin + 1, unicode);
    if (second.kind != Gpt2Kind::kSpace) {
      first = second;
      i = begin + 1;
    }
  }
  size_t last = i;  // the position of the last character in the run
  while (i < text.size()) {
    const Gpt2Character character = Gpt2At(text, i, unicode);
    if (character.kind != first.kind) break;
    last = i;
    i += character.length;
  }
  // `\s+(?!\S)` takes all but the last character of whitespace before a word. `\s+` takes
  // whitespace of one character.
  if (first.kind == Gpt2Kind::kSpace && i < text.size() && last > begin) return last;
  return i;
}

}  // namespace lacos
