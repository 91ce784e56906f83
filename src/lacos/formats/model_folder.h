// What a folder given as --model is, and the settings that it asks for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lacos/base/pooling.h"

namespace lacos {

// Embedding settings; absent = the folder says nothing, and the command's default holds.
struct EmbeddingSettings {
  std::optional<Pooling> pooling;
  std::optional<bool> normalize;
  std::optional<int64_t> max_length;
  std::optional<bool> strip;
  bool pool_prompt = true;  // false: a prompt's tokens are left out of the pooling (include_prompt)
  std::map<std::string, std::string> prompts;
  std::string default_prompt_name;
};

struct ModelFolder {
  enum class Kind { kOriginal, kQuantized, kTrained };
  Kind kind = Kind::kOriginal;
  std::string path;            // as given
  std::string base_path;       // folder with config.json and the weights
  std::string adapter_path;    // folder with adapter_config.json, or empty
  std::string tokenizer_path;  // tokenizer.json in use
  std::string base_name;       // the ORIGINAL base's hub name or path, for adapter_config.json
  EmbeddingSettings settings;
};

// Opens an original BLOOM folder, a quantised one, or a trained output folder
// (sentence-transformers layout with a PEFT adapter, or a full sentence-transformers model), which
// names its base by lacos.json (relative path and hash) or by adapter_config.json. `base` overrides
// where the base is; `adapter` adds an adapter to a base. Throws UserError.
ModelFolder OpenModelFolder(const std::string& path, const std::string& base,
                            const std::string& adapter);

}  // namespace lacos
