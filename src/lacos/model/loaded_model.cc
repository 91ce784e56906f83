#include "lacos/model/loaded_model.h"

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/io/manifest.h"

namespace lacos {

LoadedModel LoadModel(const std::string& path, const std::string& base,
                      const std::string& adapter) {
  LoadedModel loaded;
  loaded.folder = OpenModelFolder(path, base, adapter);
  loaded.base_weights = BaseWeights::Open(loaded.folder.base_path);
  RequireAsRecorded(loaded.folder.tokenizer_path);
  loaded.tokenizer = Tokenizer::FromFile(loaded.folder.tokenizer_path);
  const int64_t rows = loaded.base_weights->config().vocab_size;
  if (loaded.tokenizer->VocabularySize() > rows) {
    throw UserError(fmt::format(
        "[{}] the tokenizer has ids up to {}, but the word embedding has {} rows; expected a "
        "tokenizer that fits the model; use the tokenizer.json that came with it",
        loaded.folder.tokenizer_path, loaded.tokenizer->VocabularySize() - 1, rows));
  }
  if (!loaded.folder.adapter_path.empty()) {
    loaded.adapter = ReadLoraAdapter(loaded.folder.adapter_path, loaded.base_weights->config());
  }
  return loaded;
}

}  // namespace lacos
