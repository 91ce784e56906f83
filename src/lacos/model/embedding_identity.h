// Everything but the text that a vector depends on: the key of vectors that are kept between runs.
#pragma once

#include <string>

#include "lacos/io/json.h"
#include "lacos/model/sentence_encoder.h"

namespace lacos {

// {"adapter_config.json": SHA-256, ...}: the files of the folder's adapter; empty without one.
Json AdapterHashes(const ModelFolder& folder);

// Base (bytes, kernels: LayerCacheIdentity), adapter, tokenizer and settings. Hashes of large files
// are remembered in `folder`. Throws UserError when a file cannot be read.
Json EmbeddingIdentity(const SentenceEncoder& sentence_encoder, const std::string& folder);

}  // namespace lacos
