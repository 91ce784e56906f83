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

// The modules that task models put on top of BLOOM: lm_head (often tied to the word embedding),
// score, classifier and qa_outputs of transformers, v_head of TRL. They do not touch hidden states.
bool IsHeadModule(std::string_view module);
// Whether a stored tensor belongs to such a module. Its name may have the prefix "transformer.", and
// it may be a companion that quantization adds (lm_head.SCB).
bool IsHeadTensor(std::string_view name);
// A note for users about tensors of heads that were left out: their number and names.
std::string HeadsNote(const std::string& file, const std::vector<std::string>& names);

}  // namespace lacos
