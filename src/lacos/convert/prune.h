// A shallower base: the lowest blocks of a BLOOM as a model of their own.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/io/output.h"

namespace lacos {

struct PruneOptions {
  // blocks that stay, counted from the bottom: 1 to one less than the model has
  int64_t layers = 0;
  OutputOptions writing;  // its progress counts bytes of tensors
};

struct PruneReport {
  int64_t layers_before = 0, layers_after = 0;
  int64_t parameters_before = 0, parameters_after = 0;  // of BloomModel, without a head
  int64_t bytes_before = 0, bytes_after = 0;            // of the tensors
};

// Writes the lowest blocks of `input`, with the word embedding, its LayerNorm and ln_f as they are,
// as a complete BLOOM folder to `output`, atomically: types, codes, key names and shards as the
// original has them (a .bin becomes the safetensors file of the corresponding name), config.json
// with the new number of layers, tokenizer and licence. Original and quantised bases alike; a
// block's codes depend on that block alone, so pruning and quantising may come in either order.
// ln_f was trained on the last block's output; whoever uses fewer blocks trains an adapter on them.
// Throws UserError.
PruneReport PruneFolder(const std::string& input, const std::string& output,
                        const PruneOptions& options);

}  // namespace lacos
