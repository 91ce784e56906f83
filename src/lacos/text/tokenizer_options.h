// What the files beside tokenizer.json change about a tokenizer. formats/tokenizer_files reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lacos/text/added_tokens.h"

namespace lacos {

struct SideToken {
  AddedToken token;   // its id is the one that the file gives, or -1 if it gives none
  std::string where;  // the place in a file, for messages
};

struct TokenizerOptions {
  // The tokens of added_tokens_decoder or added_tokens.json, in the order of their ids.
  std::vector<SideToken> listed;
  std::vector<SideToken> named;       // bos_token and other tokens with a name
  std::vector<SideToken> extra;       // special tokens without a name
  bool split_special_tokens = false;  // special tokens in a text are split like other text
  std::optional<bool> truncate_left;  // absent: the direction of tokenizer.json's truncation
  // Rows of the word embedding. A text that contains an added token beyond them is refused.
  int64_t rows = INT64_MAX;
};

}  // namespace lacos
