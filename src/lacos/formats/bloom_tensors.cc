#include "lacos/formats/bloom_tensors.h"

#include <fmt/format.h>

namespace lacos {

std::vector<TensorSpec> ListTensors(const BloomConfig& config) {
  const int64_t d = config.hidden_size;
  std::vector<TensorSpec> list;
  list.push_back({"word_embeddings.weight", {config.vocab_size, d}, "word_embeddings"});
  const auto layernorm = [&](const std::string& name) {
    list.push_back({name + ".weight", {d}, "layernorm"});
    list.push_back({name + ".bias", {d}, "layernorm"});
  };
  const auto linear = [&](const std::string& module, const std::string& kind, int64_t out,
                          int64_t in) {
    list.push_back({module + kind + ".weight", {out, in}, kind});
    list.push_back({module + kind + ".bias", {out}, "bias"});
  };
  layernorm("word_embeddings_layernorm");
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = fmt::format("h.{}.", layer);
    layernorm(block + "input_layernorm");
    linear(block + "self_attention.", "query_key_value", 3 * d, d);
    linear(block + "self_attention.", "dense", d, d);
    layernorm(block + "post_attention_layernorm");
    linear(block + "mlp.", "dense_h_to_4h", 4 * d, d);
    linear(block + "mlp.", "dense_4h_to_h", d, 4 * d);
  }
  layernorm("ln_f");
  return list;
}

}  // namespace lacos
