#include "lacos/model/loaded_model.h"

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/io/manifest.h"
#include "lacos/model/embedder.h"

namespace lacos {

LoadedModel LoadModel(const std::string& path, const std::string& base, const std::string& adapter) {
  LoadedModel loaded;
  loaded.folder = OpenModelFolder(path, base, adapter);
  loaded.checkpoint = Checkpoint::Open(loaded.folder.base_path);
  RequireAsRecorded(loaded.folder.tokenizer_path);
  loaded.tokenizer = Tokenizer::FromFile(loaded.folder.tokenizer_path);
  const int64_t rows = loaded.checkpoint->config().vocab_size;
  if (loaded.tokenizer->VocabularySize() > rows) {
    throw UserError(
        fmt::format("[{}] the tokenizer has ids up to {}, but the word embedding has {} rows; expected a "
                    "tokenizer that fits the model; use the tokenizer.json that came with it",
                    loaded.folder.tokenizer_path, loaded.tokenizer->VocabularySize() - 1, rows));
  }
  if (!loaded.folder.adapter_path.empty()) {
    loaded.adapter = ReadLoraAdapter(loaded.folder.adapter_path, loaded.checkpoint->config());
  }
  return loaded;
}

TokenizedText TokenizeText(const Tokenizer& tokenizer, const std::string& text,
                           const TokenizeOptions& options) {
  TokenizedText result;
  if (options.strip) {
    tokenizer.Encode(StripBlanks(text), result.ids);
  } else {
    tokenizer.Encode(text, result.ids);
  }
  const auto around = static_cast<int64_t>(options.before.size() + options.after.size());
  if (static_cast<int64_t>(result.ids.size()) + around > options.max_length) {
    result.ids.resize(static_cast<size_t>(options.max_length - around));
    result.truncated = true;
  }
  result.ids.insert(result.ids.begin(), options.before.begin(), options.before.end());
  result.ids.insert(result.ids.end(), options.after.begin(), options.after.end());
  return result;
}

}  // namespace lacos
