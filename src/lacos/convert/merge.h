// Leaving: an original BLOOM and an adapter written as one model that needs neither lacos nor PEFT.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/io/output.h"

namespace lacos {

struct MergeOptions {
  OutputOptions writing;  // its progress counts the original's bytes
};

struct MergeReport {
  int64_t bytes = 0;    // of the tensors written
  int64_t tensors = 0;  // written
  int64_t merged = 0;   // of them, changed by the adapter
  std::vector<std::string> warnings;
};

// Writes `model` with `adapter` added as a complete BLOOM folder to `output`, atomically: types,
// key names, shards and index as the original has them (a .bin becomes the safetensors file of the
// corresponding name), with config.json, tokenizer, licence, README, and the sentence-transformers
// files of the adapter's folder or else of the model's. Values are those of PEFT's merge_and_unload
// (merged_weights.h). Throws UserError.
MergeReport MergeFolder(const std::string& model, const std::string& adapter,
                        const std::string& output, const MergeOptions& options);

}  // namespace lacos
