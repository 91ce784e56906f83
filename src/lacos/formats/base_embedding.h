// The word embedding of a base folder, read a row at a time.
#pragma once

#include <memory>

#include "lacos/formats/base_weights.h"
#include "lacos/quant/embedding_source.h"

namespace lacos {

// The word embedding, plain or quantized, of which one row at a time is read by pread.
std::unique_ptr<EmbeddingSource> MakeEmbeddingSource(std::shared_ptr<BaseWeights> base_weights);

}  // namespace lacos
