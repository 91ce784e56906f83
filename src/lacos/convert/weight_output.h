// Weight files that are written from those of another folder: their names, their index, tensors
// copied as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/io/safetensors.h"

namespace lacos {

// "pytorch_model-00001-of-00002.bin" becomes "model-00001-of-00002.safetensors", as transformers
// names them; a .safetensors keeps its name. `file` is relative to the folder.
std::string SafetensorsName(const std::string& file);

// Whether a tensor of the file is another one's memory: .bin files share a tied lm_head with the
// word embedding, which transformers leaves out of safetensors files. For tensors that the model
// does not have under a name of its own.
bool IsAlias(const TensorFile& file, const TensorEntry& entry);

// Copies a tensor byte for byte, whatever it holds, in slices whose pages are dropped after use.
// `done` gets the bytes of each slice.
void CopyTensor(const StoredTensor& source, const TensorEntry& target, SafetensorsWriter& writer,
                const std::function<void(int64_t bytes)>& done);

// Writes `target`/model.safetensors.index.json with the files (relative names) that the tensors
// were written to: the index of `base`, where it has one, with its order and its other metadata.
void WriteWeightIndex(const std::string& base, const std::string& target,
                      const std::map<std::string, std::string>& weight_map, int64_t total_bytes);

}  // namespace lacos
