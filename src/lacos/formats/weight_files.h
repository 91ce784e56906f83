// Which weight files a base folder has, safetensors or PyTorch's, and which of them holds each
// tensor.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lacos/formats/base_weights.h"

namespace lacos {

struct WeightFiles {
  std::vector<std::shared_ptr<TensorFile>> files;  // by name
  std::map<std::string, StoredTensor> tensors;     // by plain name: no `transformer.`, no head
};

// The first of model.safetensors, model.safetensors.index.json, pytorch_model.bin and
// pytorch_model.bin.index.json; shards are named by their index, never guessed (BLOOM's own 176B
// uses underscores). Heads are left out: an encoder has none. Throws UserError for a mix of
// prefixed and plain names, for tensors that the index does not place where they lie, and for an
// index that leads out of the folder.
WeightFiles OpenWeightFiles(const std::string& folder);

// The shard names of an index, checked to stay inside the folder: tensor name to file name.
std::map<std::string, std::string> ReadWeightMap(const std::string& index_path);

}  // namespace lacos
