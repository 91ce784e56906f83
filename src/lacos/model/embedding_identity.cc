#include "lacos/model/embedding_identity.h"

#include <string>
#include <vector>

#include "lacos/io/folder.h"
#include "lacos/io/manifest.h"
#include "lacos/model/layer_cache_key.h"

namespace lacos {

Json AdapterHashes(const ModelFolder& folder) {
  Json hashes = Json::Object();
  if (folder.adapter_path.empty()) return hashes;
  for (const FolderEntry& entry : ListFolder(folder.adapter_path)) {
    if (entry.name.starts_with("adapter_")) {
      hashes.Set(entry.name, FileSha256(folder.adapter_path + "/" + entry.name));
    }
  }
  return hashes;
}

Json EmbeddingIdentity(const SentenceEncoder& embedder, const std::string& folder) {
  const BaseWeights& base_weights = embedder.encoder().model().base_weights();
  Json identity = LayerCacheIdentity(base_weights, embedder.backend(), embedder.compute(),
                                     base_weights.config().layers, folder);
  Json adapter = Json::Array();
  const Json hashes = AdapterHashes(embedder.folder());
  for (const std::string& name : hashes.Keys()) adapter.Append(hashes.At(name));
  identity.Set("adapter_sha256", adapter);
  identity.Set("tokenizer_sha256", FileSha256(embedder.folder().tokenizer_path));
  identity.Set("pooling", Name(embedder.pooling()));
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
