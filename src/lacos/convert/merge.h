// Writes an original BLOOM and an adapter as one model that needs neither lacos nor PEFT.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/io/output.h"

namespace lacos {

struct MergeOptions {
  OutputOptions writing;  // progress counts the bytes of the original
};

struct MergeReport {
  int64_t bytes = 0;    // bytes of the tensors that were written
  int64_t tensors = 0;  // tensors that were written
  int64_t merged = 0;   // tensors among them that the adapter changed
  std::vector<std::string> warnings;
};

// Writes `model` with `adapter` added to it as a complete BLOOM folder to `output`, atomically.
// Types, key names, shards and index are those of the original (a .bin becomes the safetensors file
// with the corresponding name). The folder gets config.json, tokenizer, licence, README, and the
// sentence-transformers files from the adapter's folder, or else from the model's. The values are
// those of PEFT's merge_and_unload (merged_weights.h). Throws UserError.
MergeReport MergeFolder(const std::string& model, const std::string& adapter,
                        const std::string& output, const MergeOptions& options);

}  // namespace lacos
