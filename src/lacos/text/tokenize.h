// A text as a model reads it: stripped, tokenized, truncated and wrapped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/text/tokenizer.h"

namespace lacos {

struct TokenizeOptions {
  bool strip = false;
  int64_t max_length = 2048;  // longer texts lose their end
  // Put around the ids of every text; they count, and truncation leaves them.
  std::vector<int32_t> before, after;
};
struct TokenizedText {
  std::vector<int32_t> ids;
  bool truncated = false;
};
// Strips, encodes, truncates and wraps one text; thread-safe. max_length must exceed what goes
// around a text.
TokenizedText TokenizeText(const Tokenizer& tokenizer, const std::string& text,
                           const TokenizeOptions& options);

}  // namespace lacos
