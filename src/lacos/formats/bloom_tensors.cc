#include "lacos/formats/bloom_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

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

bool IsHeadModule(std::string_view module) {
  constexpr std::string_view kHeads[] = {"lm_head", "score", "classifier", "qa_outputs", "v_head"};
  return std::find(std::begin(kHeads), std::end(kHeads), module) != std::end(kHeads);
}

bool IsHeadTensor(std::string_view name) {
  constexpr std::string_view kPrefix = "transformer.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && IsHeadModule(name.substr(0, dot));
}

std::string HeadsNote(const std::string& file, const std::vector<std::string>& names) {
  return fmt::format(
      "[{}] {} tensor{} of heads, which the vectors of texts do not need, left out: {}", file,
      names.size(), names.size() == 1 ? "" : "s", fmt::join(names, ", "));
}

}  // namespace lacos
