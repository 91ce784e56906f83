// The tensors of a base with an adapter added, read a few rows at a time: what merging writes, in
// the memory of one slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/formats/lora_adapter.h"

namespace lacos {

// Rounds as PEFT's merge_and_unload on a CPU does: B A is a float32 product, times the scale in
// float32; the sum with the weight is taken in float32 and rounded to the weight's type once. An
// F64 base is summed in float64. Biases that the adapter holds take the place of the base's.
class MergedWeights {
 public:
  // An original base, not quantised. `adapter` may be empty: then every tensor is the base's own.
  MergedWeights(std::shared_ptr<BaseWeights> base, LoraAdapter adapter);

  const BaseWeights& base() const { return *base_; }
  const LoraAdapter& adapter() const { return adapter_; }
  // By plain name ("h.0.mlp.dense.weight"): whether the adapter touches the tensor.
  bool Changes(const std::string& name) const;
  // Rows [begin, begin + count) of a tensor in its own type; a vector [D] counts as D rows of one
  // value. Thread-safe. Throws UserError for a changed value that is not finite in that type.
  void ReadRows(const std::string& name, int64_t begin, int64_t count, std::byte* out) const;
  // Says that these rows are not needed in memory any more.
  void DropRows(const std::string& name, int64_t begin, int64_t count) const;

 private:
  void ReadBias(const std::string& name, int64_t begin, int64_t count, std::byte* out) const;
  void CheckFinite(const StoredTensor& tensor, int64_t first, int64_t count,
                   const std::byte* values) const;

  std::shared_ptr<BaseWeights> base_;
  LoraAdapter adapter_;
};

}  // namespace lacos
