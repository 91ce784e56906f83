// Reads the settings of a sentence-transformers folder, in the form before version 5.4 and in the
// form since then. `export.h` writes them.
#pragma once

#include <string>
#include <vector>

#include "lacos/formats/model_folder.h"
#include "lacos/io/json.h"

namespace lacos {

struct SentenceTransformersFolder {
  // The subfolder with the weights or the adapter; empty for the folder itself.
  std::string transformer_path;
  EmbeddingSettings settings;
  // tokenizer_args: an object whose keys override those of tokenizer_config.json.
  Json tokenizer_overrides = Json::Object();
  std::vector<std::string> warnings;  // about keys that lacos does not know
};

// Reads modules.json and the files that it names. Accepts one Transformer, one Pooling and at most
// one Normalize. Throws UserError for other modules, for several pooling modes at once, and for
// what KeyRules() refuse.
SentenceTransformersFolder ReadSentenceTransformers(const std::string& folder);

}  // namespace lacos
