// Describes a tokenizer.json in the form in which llama.cpp stores a byte-level BPE tokenizer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lacos/io/gguf_writer.h"
#include "lacos/io/json.h"
#include "lacos/text/tokenizer_options.h"

namespace lacos {

// llama.cpp's token types, with its numbers.
enum class GgufTokenType : int32_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };

struct GgufTokenizer {
  std::string pre;  // llama.cpp's name of the split pattern: "bloom" or "gpt-2"
  // Token texts by id, one for each row of the embedding; [PADn] for an id without a token.
  std::vector<std::string> tokens;
  std::vector<int32_t> types;       // the GgufTokenType of each token
  std::vector<std::string> merges;  // pairs as "left right"
  // Ids of "bos", "eos", "unknown" and "padding", as far as the model names them.
  std::map<std::string, uint32_t> special_ids;
  bool add_bos = false, add_eos = false;
  // Sentences about texts for which llama.cpp will produce other ids.
  std::vector<std::string> warnings;
};

// `options` are what the files beside the tokenizer change. `rows` is the number of rows of the word embedding. `config` is config.json, for special ids that
// are not in the tokenizer_config.json beside the tokenizer. Throws UserError for features that
// llama.cpp cannot express and that would change the ids of ordinary text: another split pattern,
// ignore_merges, a prefix space, or a template with more than one token before or after the text.
GgufTokenizer MakeGgufTokenizer(const std::string& tokenizer_path, const TokenizerOptions& options,
                                int64_t rows, const Json& config);

void WriteGgufTokenizer(const GgufTokenizer& tokenizer, GgufWriter& writer);

}  // namespace lacos
