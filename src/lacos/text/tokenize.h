// A text as a model reads it: stripped, tokenized, truncated and wrapped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/text/tokenizer.h"

namespace lacos {

struct TokenizeOptions {
  bool strip = false;
  // Longer texts lose their end, or their beginning if the tokenizer truncates on the left.
  int64_t max_length = 2048;
  // Ids that are put around those of every text. They count towards max_length, and truncation
  // keeps them.
  std::vector<int32_t> before, after;
};
// The part of a text that truncation takes, for messages: "beginning" or "end".
inline std::string_view LostPart(const Tokenizer& tokenizer) {
  return tokenizer.TruncatesLeft() ? "beginning" : "end";
}

struct TokenizedText {
  std::vector<int32_t> ids;
  bool truncated = false;
  bool stripped = false;  // whether whitespace at its ends was left out
};
// Throws UserError unless max_length is larger than the number of ids around a text, those of the
// tokenizer's post-processor included.
void RequireRoomForText(const Tokenizer& tokenizer, const TokenizeOptions& options);
// Strips, encodes, truncates and wraps one text. Thread-safe. There must be room for the text.
TokenizedText TokenizeText(const Tokenizer& tokenizer, const std::string& text,
                           const TokenizeOptions& options);

}  // namespace lacos
