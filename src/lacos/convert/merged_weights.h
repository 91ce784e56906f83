// The tensors of a base with an adapter added to them, read a few rows at a time. Merging writes
// them with the memory of one slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/formats/lora_adapter.h"

namespace lacos {

// Rounds as PEFT's merge_and_unload does on a CPU: B A is a float32 product, multiplied by the
// scale in float32. It is added to the weight in float32, and the sum is rounded once to the
// type of the weight. An F64 base is computed in float64. Biases from the adapter replace those
// of the base.
class MergedWeights {
 public:
  // `base` is an original, not a quantized model. If `adapter` is empty, every tensor is the
  // base's own.
  MergedWeights(std::shared_ptr<BaseWeights> base, LoraAdapter adapter);

  const BaseWeights& base() const { return *base_; }
  const LoraAdapter& adapter() const { return adapter_; }
  // Whether the adapter changes the tensor with this plain name ("h.0.mlp.dense.weight").
  bool Changes(const std::string& name) const;
  // Reads rows [begin, begin + count) of a tensor in its own type; a vector [D] counts as D rows
  // with one value. Thread-safe. Throws UserError if a changed value is not finite in that type.
  void ReadRows(const std::string& name, int64_t begin, int64_t count, std::byte* out) const;
  // Reports that these rows are not needed in memory any more.
  void DropRows(const std::string& name, int64_t begin, int64_t count) const;

 private:
  void ReadBias(const std::string& name, int64_t begin, int64_t count, std::byte* out) const;
  void CheckFinite(const StoredTensor& tensor, int64_t first, int64_t count,
                   const std::byte* values) const;

  std::shared_ptr<BaseWeights> base_;
  LoraAdapter adapter_;
};

}  // namespace lacos
