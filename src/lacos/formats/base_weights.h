// The weights of a base model: the tensors in its folder, original or quantized, by BLOOM's plain
// names, whatever files they are in.
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

// A stored tensor and the file that holds it.
struct StoredTensor {
  std::shared_ptr<TensorFile> file;
  TensorEntry entry;
};

// An opened base folder: config.json, and weights as safetensors or PyTorch's .bin, in one file or
// in shards (weight_files.h). The weights are original, quantized by lacos, or saved in 8 bit by
// transformers with bitsandbytes. Keys may have the prefix `transformer.`, and heads are left out.
// Unknown or missing tensors and wrong shapes are errors.
class BaseWeights {
 public:
  static std::shared_ptr<BaseWeights> Open(const std::string& folder);
  // The model that a configuration describes, without weights: every value is zero and takes no
  // memory. Matrices are stored as `info` says, or as `dtype` if its scheme is kNone. Vectors are
  // stored as `dtype`.
  static std::shared_ptr<BaseWeights> WithoutWeights(const BloomConfig& config,
                                                     const QuantizationInfo& info, DType dtype);

  const std::string& folder() const { return folder_; }
  const BloomConfig& config() const { return config_; }
  const Json& config_json() const { return config_json_; }
  const QuantizationInfo& quantization() const { return quantization_; }
  // The shards in the order of their names. Merging and quantizing need the file and the original
  // key of each tensor.
  const std::vector<std::shared_ptr<TensorFile>>& files() const { return files_; }
  // Names of the stored tensors of heads, which are left out (IsHeadTensor).
  const std::vector<std::string>& heads() const { return heads_; }
  // By plain name; aborts when the name is not in ListTensors.
  const StoredTensor& Tensor(const std::string& name) const;
  // A matrix in the form that a backend takes: views into the mapped file. Throws UserError for
  // scales that are not finite. Must not be called from two threads at a time.
  QuantizedMatrix Matrix(const std::string& name) const;
  // For models larger than memory: asks the kernel to read a matrix ahead, with codes and scales,
  // or returns its pages (see MappedFile::DropPages).
  void Prefetch(const std::string& name) const;
  void DropPages(const std::string& name, bool from_cache) const;
  void Await(const std::string& name) const;  // waits until the matrix is in the kernel's cache
  // Visits a matrix's values, then its scales if it has any.
  void ForEachPart(const std::string& name,
                   const std::function<void(const StoredTensor&)>& visit) const;
  // A vector (bias or LayerNorm parameter) as floats. Biases that the configuration drops are
  // zeros.
  std::vector<float> Vector(const std::string& name) const;
  // The bytes of all tensors on disk.
  int64_t Bytes() const;

 private:
  std::string folder_;  // empty for a model without weights
  BloomConfig config_;
  Json config_json_;
  QuantizationInfo quantization_;
  std::vector<std::shared_ptr<TensorFile>> files_;
  std::vector<std::string> heads_;
  // Tensors by plain name, including the companions ".absmax" and ".quant_map". bitsandbytes' SCB
  // is kept as ".absmax".
  std::map<std::string, StoredTensor> tensors_;
  // Copies of absmax arrays that are not aligned to 4 bytes in the file, or that are not F32.
  mutable std::map<std::string, std::vector<float>> aligned_;
};

}  // namespace lacos
