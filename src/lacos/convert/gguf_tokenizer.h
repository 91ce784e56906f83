// A tokenizer.json in the terms in which llama.cpp keeps a byte-level BPE tokenizer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lacos/io/gguf_writer.h"
#include "lacos/io/json.h"

namespace lacos {

// llama.cpp's kinds of tokens, by its numbers.
enum class GgufTokenType : int32_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };

struct GgufTokenizer {
  std::string pre;  // the split pattern by llama.cpp's name: "bloom" or "gpt-2"
  // by id, one for each row of the embedding; [PADn] where there is none
  std::vector<std::string> tokens;
  std::vector<int32_t> types;       // GgufTokenType of each
  std::vector<std::string> merges;  // "left right"
  // "bos", "eos", "unknown", "padding": ids, where the model names such a token.
  std::map<std::string, uint32_t> special_ids;
  bool add_bos = false, add_eos = false;
  // Texts for which llama.cpp will give other ids, in words.
  std::vector<std::string> warnings;
};

// `rows`: of the word embedding; `config`: config.json, for special ids that tokenizer_config.json
// beside the tokenizer does not name. Throws UserError for what llama.cpp cannot express and
// ordinary text would show: another split pattern, ignore_merges, a prefix blank, templates beyond
// one token before and one after.
GgufTokenizer MakeGgufTokenizer(const std::string& tokenizer_path, int64_t rows,
                                const Json& config);

void WriteGgufTokenizer(const GgufTokenizer& tokenizer, GgufWriter& writer);

}  // namespace lacos
