// The weight files of a folder that is made from another one: their names, their index, tensors
// copied as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/io/manifest.h"
#include "lacos/io/safetensors.h"

namespace lacos {

// "pytorch_model-00001-of-00002.bin" becomes "model-00001-of-00002.safetensors", as transformers
// names them; a .safetensors keeps its name. `file` is relative to the folder.
std::string SafetensorsName(const std::string& file);

// Makes the safetensors file at `output` of one file of the original; returns what was written.
using WriteWeightFile = std::function<TensorHashes(const std::shared_ptr<TensorFile>& input,
                                                   const std::string& output)>;

// Calls `write` for each weight file of the base in the folder `original` that `keeps` wants (all
// without it), and returns what was written, by the file's name in the folder `target`.
RecordedTensors WriteWeightFiles(const BaseWeights& base, const std::string& original,
                                 const std::string& target, const WriteWeightFile& write,
                                 const std::function<bool(const TensorFile&)>& keeps = {});

// Writes `target`/model.safetensors.index.json where `written` is anything but one
// model.safetensors: tensors in the order of `like` and with its other metadata, where that folder
// has an index ("": none has), else sorted by name.
void WriteWeightIndex(const std::string& target, const RecordedTensors& written,
                      int64_t total_bytes, const std::string& like);

// Whether a tensor of the file is another one's memory: .bin files share a tied lm_head with the
// word embedding, which transformers leaves out of safetensors files. For tensors that the model
// does not have under a name of its own.
bool IsAlias(const TensorFile& file, const TensorEntry& entry);

// What happens around each slice of a tensor that is copied: elements [begin, begin + count).
struct CopySteps {
  std::function<void(int64_t begin, int64_t count)> check = {};  // before it is written; may throw
  std::function<void(int64_t bytes)> done = {};                  // after it was written
};
// Copies a tensor byte for byte, in slices whose pages are dropped after use.
void CopyTensor(const StoredTensor& source, const TensorEntry& target, SafetensorsWriter& writer,
                const CopySteps& steps);

}  // namespace lacos
