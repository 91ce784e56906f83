// The files beside tokenizer.json, which add tokens, set the side of truncation and limit texts:
// tokenizer_config.json, special_tokens_map.json and added_tokens.json, read as transformers 5 does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/text/tokenizer.h"

namespace lacos {

struct ModelFolder;

struct TokenizerFiles {
  TokenizerOptions options;
  std::optional<int64_t> max_length;  // model_max_length, if it limits anything
  bool has_chat_template = false;
};

// Reads the files of `folder`. `overrides` is an object whose keys override those of
// tokenizer_config.json (tokenizer_args of sentence-transformers). Throws UserError for values that
// transformers refuses and for those that lacos does not follow; appends warnings about keys that
// it does not know.
TokenizerFiles ReadTokenizerFiles(const std::string& folder, const Json& overrides,
                                  std::vector<std::string>& warnings);

// Opens the tokenizer of a folder with its side files. `rows` is the number of rows of the word
// embedding, if it is known: texts with added tokens beyond them are then refused.
std::unique_ptr<Tokenizer> OpenTokenizer(const ModelFolder& folder, int64_t rows = INT64_MAX);

// What the ids of a folder's texts depend on, as a hash: that of tokenizer.json unless side files
// change something.
std::string TokenizerIdentity(const ModelFolder& folder, const Tokenizer& tokenizer);

}  // namespace lacos
