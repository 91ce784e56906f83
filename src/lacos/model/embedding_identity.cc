#include "lacos/model/embedding_identity.h"

#include <string>
#include <vector>

#include "lacos/formats/tokenizer_files.h"
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

Json EmbeddingIdentity(const SentenceEncoder& sentence_encoder, const std::string& folder) {
  const BaseWeights& base_weights = sentence_encoder.encoder().model().base_weights();
  Json identity =
      LayerCacheIdentity(base_weights, sentence_encoder.backend(), sentence_encoder.compute(),
                         base_weights.config().layers, folder);
  Json adapter = Json::Array();
  const Json hashes = AdapterHashes(sentence_encoder.folder());
  for (const std::string& name : hashes.Keys()) adapter.Append(hashes.At(name));
  identity.Set("adapter_sha256", adapter);
  const Tokenizer& tokenizer = sentence_encoder.tokenizer();
  identity.Set("tokenizer_sha256", TokenizerIdentity(sentence_encoder.folder(), tokenizer));
  identity.Set("pooling", Name(sentence_encoder.pooling()));
  identity.Set("normalize", sentence_encoder.normalize());
  const TextEncoderOptions& text = sentence_encoder.text_encoder().options();
  identity.Set("pool_prompt", text.pool_prompt);
  identity.Set("strip", text.tokenize.strip);
  identity.Set("max_length", text.tokenize.max_length);
  if (text.truncate_dim > 0) identity.Set("truncate_dim", text.truncate_dim);
  if (!text.pool_prompt) {
    // A prompt that ends in one of them is measured differently.
    Json special = Json::Array();
    for (const AddedToken& token : tokenizer.added_tokens()) {
      if (tokenizer.IsNamedSpecial(token.id)) special.Append(static_cast<int64_t>(token.id));
    }
    identity.Set("named_special", special);
  }
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
