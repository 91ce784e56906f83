// Makes a shallower base: the lowest blocks of a BLOOM become a model of their own.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/io/output.h"

namespace lacos {

struct PruneOptions {
  // Number of blocks to keep, counted from the bottom: from 1 to one less than the model has.
  int64_t layers = 0;
  OutputOptions writing;  // progress counts bytes of tensors
};

struct PruneReport {
  int64_t layers_before = 0, layers_after = 0;
  // parameters of the BloomModel, without a head
  int64_t parameters_before = 0, parameters_after = 0;
  int64_t bytes_before = 0, bytes_after = 0;  // bytes of the tensors
};

// Writes the lowest blocks of `input` and its word embedding, the LayerNorm of the embedding and
// ln_f, all unchanged, as a complete BLOOM folder to `output`, atomically. Types, codes, key names
// and shards are those of the original (a .bin becomes the safetensors file with the corresponding
// name). The folder gets config.json with the new number of layers, tokenizer and licence. Works
// for original and quantized bases. The codes of a block depend on that block alone, so the order
// of pruning and quantizing does not matter. ln_f was trained on the output of the last block;
// whoever uses fewer blocks trains an adapter on them. Throws UserError.
PruneReport PruneFolder(const std::string& input, const std::string& output,
                        const PruneOptions& options);

}  // namespace lacos
