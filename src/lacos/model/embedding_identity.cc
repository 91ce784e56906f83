#include "lacos/model/embedding_identity.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "lacos/io/manifest.h"
#include "lacos/model/layer_cache_key.h"

namespace lacos {

Json EmbeddingIdentity(const Embedder& embedder, const std::string& folder) {
  namespace fs = std::filesystem;
  const Checkpoint& checkpoint = embedder.encoder().model().checkpoint();
  Json identity = LayerCacheIdentity(checkpoint, embedder.backend(), embedder.compute(),
                                     checkpoint.config().layers, folder);
  std::vector<std::string> files;
  if (!embedder.folder().adapter_path.empty()) {
    for (const fs::directory_entry& entry : fs::directory_iterator(embedder.folder().adapter_path)) {
      if (entry.path().filename().string().starts_with("adapter_")) files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  Json adapter = Json::Array();
  for (const std::string& file : files) adapter.Append(FileSha256(file));
  identity.Set("adapter_sha256", adapter);
  identity.Set("tokenizer_sha256", FileSha256(embedder.folder().tokenizer_path));
  identity.Set("pooling", PoolingName(embedder.pooling()));
  identity.Set("normalize", embedder.normalize());
  const TextEncoderOptions& text = embedder.text_encoder().options();
  identity.Set("pool_prompt", text.pool_prompt);
  identity.Set("strip", text.tokenize.strip);
  identity.Set("max_length", text.tokenize.max_length);
  const auto ids = [](const std::vector<int32_t>& list) {
    Json json = Json::Array();
    for (const int32_t id : list) json.Append(static_cast<int64_t>(id));
    return json;
  };
  identity.Set("before", ids(text.tokenize.before));
  identity.Set("after", ids(text.tokenize.after));
  return identity;
}

}  // namespace lacos
