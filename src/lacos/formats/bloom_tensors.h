// The tensors that make up a BLOOM, by their plain names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/formats/bloom_config.h"

namespace lacos {

// The end of a weight's name, after the name of its module.
inline constexpr std::string_view kWeightSuffix = ".weight";

// A tensor of a BLOOM: its name without prefix, its shape and its kind.
struct TensorSpec {
  std::string name;            // "h.0.self_attention.query_key_value.weight"
  std::vector<int64_t> shape;  // [out, in] or [D]
  // "query_key_value", ..., "word_embeddings", "bias", "layernorm": for per-kind reports
  std::string kind;
  bool IsMatrix() const { return shape.size() == 2; }
};
std::vector<TensorSpec> ListTensors(const BloomConfig& config);

}  // namespace lacos
