// The weight files of a folder that is made from another one: their names, their index, and tensors
// that are copied unchanged.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/io/manifest.h"
#include "lacos/io/safetensors.h"

namespace lacos {

// The name that transformers gives the safetensors file: "pytorch_model-00001-of-00002.bin" becomes
// "model-00001-of-00002.safetensors". The name of a .safetensors file stays. `file` is relative to
// the folder.
std::string SafetensorsName(const std::string& file);

// Makes the safetensors file `output` from one file of the original and returns what was written.
using WriteWeightFile = std::function<TensorHashes(const std::shared_ptr<TensorFile>& input,
                                                   const std::string& output)>;

// Calls `write` for each weight file of the base in the folder `original` that `keeps` accepts (for
// all files if it is empty). Returns what was written, by file name in the folder `target`.
RecordedTensors WriteWeightFiles(const BaseWeights& base, const std::string& original,
                                 const std::string& target, const WriteWeightFile& write,
                                 const std::function<bool(const TensorFile&)>& keeps = {});

// Writes `target`/model.safetensors.index.json unless `written` is a single model.safetensors. If
// the folder `like` has an index, the tensors have its order and the file its other metadata.
// Otherwise, or if `like` is empty, tensors are sorted by name.
void WriteWeightIndex(const std::string& target, const RecordedTensors& written,
                      int64_t total_bytes, const std::string& like);

// Whether a tensor of the file shares the memory of another one. In .bin files a tied lm_head is
// the word embedding, and transformers leaves it out of safetensors files. Only for tensors that
// are not known to the model under a name of their own.
bool IsAlias(const TensorFile& file, const TensorEntry& entry);

// Functions that are called for each slice of a tensor that is copied. A slice is the elements
// [begin, begin + count).
struct CopySteps {
  // called before the slice is written; may throw
  std::function<void(int64_t begin, int64_t count)> check = {};
  std::function<void(int64_t bytes)> done = {};  // called after the slice was written
};
// Copies a tensor byte for byte in slices. The pages of a slice are dropped after use.
void CopyTensor(const StoredTensor& source, const TensorEntry& target, SafetensorsWriter& writer,
                const CopySteps& steps);

}  // namespace lacos
