// Finds out what kind of folder --model names, and reads the settings in it.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lacos/base/pooling.h"
#include "lacos/base/similarity.h"
#include "lacos/io/json.h"
#include "lacos/text/tokenizer_options.h"

namespace lacos {

// Texts whose tokens are put around those of a text and its prompt. Each is tokenized on its own and
// is kept when the text is truncated.
struct TextFrame {
  std::string before, after;
  auto operator<=>(const TextFrame&) const = default;
};

// Embedding settings. An absent value means that the folder does not say; the default of the
// command applies.
struct EmbeddingSettings {
  std::optional<Pooling> pooling;
  std::optional<bool> normalize;
  std::optional<int64_t> max_length;
  std::optional<bool> strip;
  std::optional<int64_t> truncate_dim;  // number of leading values of a vector that are kept
  bool pool_prompt = true;  // false: a prompt's tokens are left out of the pooling (include_prompt)
  std::map<std::string, std::string> prompts;
  std::map<std::string, TextFrame>
      frames;  // of the prompts with these names; only a preset has them
  std::string default_prompt_name;
  std::optional<Similarity> similarity;  // similarity_fn_name
};

struct ModelFolder {
  enum class Kind { kOriginal, kQuantized, kTrained };
  Kind kind = Kind::kOriginal;
  std::string path;            // path as given, or the snapshot that it leads to (model_place.h)
  std::string base_path;       // folder with config.json and the weights
  std::string adapter_path;    // folder with adapter_config.json, or empty
  std::string tokenizer_path;  // the tokenizer.json that is used
  std::string base_name;       // hub name or path of the ORIGINAL base, for adapter_config.json
  EmbeddingSettings settings;
  TokenizerOptions tokenizer;  // what the files beside tokenizer.json change
  // tokenizer_args of sentence_bert_config.json, which are part of `tokenizer` already
  Json tokenizer_overrides = Json::Object();
  // What the user should know about the folder: keys that are not used, and the like.
  std::vector<std::string> warnings;
};

// Opens an original BLOOM folder, a quantized one, or a trained folder: a sentence-transformers
// layout with a PEFT adapter, or a full sentence-transformers model. A trained folder names its
// base in lacos.json (relative path and hash) or in adapter_config.json. `base` overrides the path
// of the base; `adapter` adds an adapter to a base. Each may also be a repository in a hub cache.
// Throws UserError.
ModelFolder OpenModelFolder(const std::string& path, const std::string& base,
                            const std::string& adapter);

}  // namespace lacos
