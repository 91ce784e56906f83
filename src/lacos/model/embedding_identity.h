// Everything besides the text that determines a vector. This is the key under which vectors are
// kept between runs.
#pragma once

#include <string>

#include "lacos/io/json.h"
#include "lacos/model/sentence_encoder.h"

namespace lacos {

// {"adapter_config.json": SHA-256, ...} for the files of the folder's adapter; empty if there
// is none.
Json AdapterHashes(const ModelFolder& folder);

// The base (bytes and kernels, see LayerCacheIdentity), adapter, tokenizer and settings. Hashes of
// large files are remembered in `folder`. Throws UserError when a file cannot be read.
Json EmbeddingIdentity(const SentenceEncoder& sentence_encoder, const std::string& folder);

}  // namespace lacos
