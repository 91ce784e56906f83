// The tensors of a base folder, original or quantised, by BLOOM's plain names, whatever files they
// lie in.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lacos/formats/bloom_config.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/formats/quantization_info.h"
#include "lacos/io/tensor_file.h"
#include "lacos/quant/quantized_matrix.h"

namespace lacos {

// One stored tensor and the file that holds it.
struct StoredTensor {
  std::shared_ptr<TensorFile> file;
  TensorEntry entry;
};

// An opened base folder: config.json and weights as safetensors or PyTorch's .bin, in one file or
// in shards (weight_files.h), original, quantised by lacos, or saved in 8 bit by transformers with
// bitsandbytes. Keys may carry the prefix `transformer.`; heads are ignored; unknown or missing
// tensors and wrong shapes are errors.
class BaseWeights {
 public:
  static std::shared_ptr<BaseWeights> Open(const std::string& folder);
  // The checkpoint that a configuration describes, without weights: every value is zero and takes
  // no memory. Matrices are stored as `info` says, or as `dtype` where its scheme is kNone; vectors
  // as `dtype`.
  static std::shared_ptr<BaseWeights> WithoutWeights(const BloomConfig& config,
                                                     const QuantizationInfo& info, DType dtype);

  const std::string& folder() const { return folder_; }
  const BloomConfig& config() const { return config_; }
  const Json& config_json() const { return config_json_; }
  const QuantizationInfo& quantization() const { return quantization_; }
  // Shard files in order of name, and the file and original key of each tensor (for merge and
  // quantize).
  const std::vector<std::shared_ptr<TensorFile>>& files() const { return files_; }
  const StoredTensor& Tensor(
      const std::string& name) const;  // by plain name; aborts when the name is not in ListTensors
  // A matrix as the backend takes it; views into the mapped file. Throws UserError for scales that
  // are not finite. Not to be called from two threads at a time.
  QuantizedMatrix Matrix(const std::string& name) const;
  // For models larger than memory: asks the kernel to read a matrix ahead, codes and scales, or
  // gives its pages back (see MappedFile::DropPages).
  void Prefetch(const std::string& name) const;
  void DropPages(const std::string& name, bool from_cache) const;
  void Await(const std::string& name) const;  // until it is in the kernel's cache
  // A matrix's values, then its scales if it has them.
  void ForEachPart(const std::string& name,
                   const std::function<void(const StoredTensor&)>& visit) const;
  // A vector (bias, LayerNorm) as floats; zeros for the biases that the configuration drops.
  std::vector<float> Vector(const std::string& name) const;
  // Bytes on disk of all tensors.
  int64_t Bytes() const;

 private:
  std::string folder_;  // empty without weights
  BloomConfig config_;
  Json config_json_;
  QuantizationInfo quantization_;
  std::vector<std::shared_ptr<TensorFile>> files_;
  // By plain name, ".absmax" and ".quant_map" companions included; bitsandbytes' SCB is kept as
  // ".absmax".
  std::map<std::string, StoredTensor> tensors_;
  // Copies of absmax arrays whose place in the file is not aligned to 4 bytes, or whose type is not
  // F32.
  mutable std::map<std::string, std::vector<float>> aligned_;
};

}  // namespace lacos
