// A model folder with everything that belongs to it opened and checked against each other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacos/model/checkpoint.h"
#include "lacos/model/lora_adapter.h"
#include "lacos/model/model_folder.h"
#include "lacos/text/tokenizer.h"

namespace lacos {

struct LoadedModel {
  ModelFolder folder;
  std::shared_ptr<Checkpoint> checkpoint;
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<LoraAdapter> adapter;
};

// Opens weights, tokenizer and adapter. Throws UserError, also when the tokenizer has ids beyond the
// embedding's rows.
LoadedModel LoadModel(const std::string& path, const std::string& base, const std::string& adapter);

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
// Strips, encodes, truncates and wraps one text; thread-safe. max_length must exceed what goes around a text.
TokenizedText TokenizeText(const Tokenizer& tokenizer, const std::string& text,
                           const TokenizeOptions& options);

}  // namespace lacos
