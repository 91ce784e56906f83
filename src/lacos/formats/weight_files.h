// The weight files of a base folder, safetensors or PyTorch's, and the tensors in each of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lacos/formats/base_weights.h"

namespace lacos {

struct WeightFiles {
  std::vector<std::shared_ptr<TensorFile>> files;  // sorted by name
  std::map<std::string, StoredTensor> tensors;     // by name without `transformer.`; no heads
  std::vector<std::string> heads;  // names of the tensors of heads that were left out, sorted
};

// Opens the first that exists of model.safetensors, model.safetensors.index.json, pytorch_model.bin
// and pytorch_model.bin.index.json. The names of shards come from the index and are never guessed
// (those of BLOOM-176B have underscores). Heads (IsHeadTensor) are left out, because an encoder has
// none; an index may name a tied head that is not stored. Throws UserError for a mix of prefixed and plain names, for tensors that are not where the index says,
// and for an index that leads out of the folder.
WeightFiles OpenWeightFiles(const std::string& folder);

// The file name for each tensor name in an index. Throws UserError for files outside the folder.
std::map<std::string, std::string> ReadWeightMap(const std::string& index_path);

}  // namespace lacos
