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
  // Ids that are put around those of every text. They count towards max_length, and truncation
  // keeps them.
  std::vector<int32_t> before, after;
};
struct TokenizedText {
  std::vector<int32_t> ids;
  bool truncated = false;
};
// Strips, encodes, truncates and wraps one text. Thread-safe. max_length must be larger than the
// number of ids around a text.
TokenizedText TokenizeText(const Tokenizer& tokenizer, const std::string& text,
                           const TokenizeOptions& options);

}  // namespace lacos
