// The tensors of an adapter file. They are taken out one by one, and missing, misshapen and
// leftover tensors are noted: PEFT only warns about them, and then computes something else.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lacos/formats/lora_adapter.h"
#include "lacos/io/tensor_file.h"

namespace lacos {

class AdapterTensors {
 public:
  static constexpr char kRoot[] = "base_model.model.";                  // under BloomModel
  static constexpr char kHeadRoot[] = "base_model.model.transformer.";  // under BloomForCausalLM

  // Opens adapter_model.safetensors of the folder, or else adapter_model.bin. Throws UserError if
  // neither is there or the file is damaged.
  explicit AdapterTensors(const std::string& folder);

  // Whether the adapter was made for a BloomForCausalLM (or another class with a head).
  bool causal() const { return causal_; }
  // The prefix of module names, which is "transformer." for such a class.
  std::string ModulePrefix() const { return causal_ ? "transformer." : ""; }

  // Names of the tensors of heads (IsHeadTensor) that modules_to_save has put beside the adapter.
  // They are left out.
  const std::vector<std::string>& heads() const { return heads_; }

  // The tensor under the first of `names` that exists; these are plain names below the root. Throws
  // UserError for types other than F32, F16 and BF16, and for values that are not finite.
  HostMatrix Take(const std::vector<std::string>& names, const std::vector<int64_t>& shape);

  // Throws a UserError that lists missing tensors, tensors with another shape, and tensors that
  // nobody took.
  void RequireComplete() const;

 private:
  HostMatrix Read(const TensorEntry& entry) const;

  std::shared_ptr<TensorFile> file_;
  bool causal_ = false;
  std::set<std::string> left_;
  std::vector<std::string> missing_, misshapen_, heads_;
};

}  // namespace lacos
