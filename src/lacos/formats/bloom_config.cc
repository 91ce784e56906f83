#include "lacos/formats/bloom_config.h"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>

#include "lacos/base/error.h"

namespace lacos {
namespace {

// Larger than in any model, and small enough that no product of sizes overflows 64 bits.
constexpr int64_t kMaxHidden = int64_t{1} << 18;
constexpr int64_t kMaxLayers = int64_t{1} << 14;
constexpr int64_t kMaxVocabulary = int64_t{1} << 28;

// The value of a size under any of its names. Names with different values are an error.
int64_t ReadSize(const Json& json, const std::string& where,
                 std::initializer_list<const char*> spellings, int64_t limit) {
  std::optional<std::pair<std::string, int64_t>> found;
  for (const char* key : spellings) {
    const auto value = json.Find(key);
    if (!value) continue;
    const int64_t size = value->AsInt();
    if (size < 1 || size > limit) {
      throw UserError(fmt::format("[{}: {}] found {}; expected 1 to {}; correct the file", where,
                                  key, size, limit));
    }
    if (found && found->second != size) {
      throw UserError(fmt::format(
          "[{}: {}] found {} but {} is {}; expected the same size under both names; correct "
          "the file",
          where, key, size, found->first, found->second));
    }
    found = {key, size};
  }
  if (!found) {
    std::string names;
    for (const char* key : spellings) names += (names.empty() ? "" : " or ") + std::string(key);
    throw UserError(
        fmt::format("[{}] has no {}; expected the config.json of a BLOOM model; check the folder",
                    where, names));
  }
  return found->second;
}

}  // namespace

int64_t BloomConfig::Parameters() const {
  const int64_t d = hidden_size;
  return vocab_size * d + 2 * d + layers * (12 * d * d + 13 * d) + 2 * d;
}

BloomConfig ParseBloomConfig(const Json& json, const std::string& where) {
  if (!json.IsObject()) {
    throw UserError(fmt::format(
        "[{}] is no JSON object; expected the config.json of a BLOOM model; check the file",
        where));
  }
  if (const auto type = json.Find("model_type"); type && type->AsString() != "bloom") {
    throw UserError(
        fmt::format("[{}: model_type] found '{}'; expected 'bloom'; lacos runs BLOOM models only",
                    where, type->AsString()));
  }
  BloomConfig config;
  config.hidden_size = ReadSize(json, where, {"hidden_size", "n_embed"}, kMaxHidden);
  config.heads = ReadSize(json, where, {"n_head", "num_attention_heads"}, kMaxHidden);
  config.layers = ReadSize(json, where, {"n_layer", "num_hidden_layers"}, kMaxLayers);
  config.vocab_size = ReadSize(json, where, {"vocab_size"}, kMaxVocabulary);
  if (config.hidden_size % config.heads != 0) {
    throw UserError(fmt::format(
        "[{}] has hidden size {} and {} heads; expected heads that divide the hidden size; "
        "correct the file",
        where, config.hidden_size, config.heads));
  }
  if (const auto inner = json.Find("n_inner"); inner && inner->AsInt() != 4 * config.hidden_size) {
    throw UserError(fmt::format(
        "[{}: n_inner] found {}; expected null or 4 x {} = {}; lacos runs BLOOM's own MLP "
        "width only",
        where, inner->AsInt(), config.hidden_size, 4 * config.hidden_size));
  }
  if (const auto eps = json.Find("layer_norm_epsilon")) config.layer_norm_epsilon = eps->AsDouble();
  if (!(config.layer_norm_epsilon > 0) || !(config.layer_norm_epsilon < 1)) {
    throw UserError(fmt::format(
        "[{}: layer_norm_epsilon] found {}; expected a number between 0 and 1, usually 1e-5; "
        "correct the file",
        where, config.layer_norm_epsilon));
  }
  if (const auto post = json.Find("apply_residual_connection_post_layernorm")) {
    config.residual_from_layernorm = post->AsBool();
  }
  const auto slices = json.Find("pretraining_tp"), slow = json.Find("slow_but_exact");
  config.drops_output_biases = slices && slices->AsInt() > 1 && slow && slow->AsBool();
  return config;
}

Json BloomConfigToJson(const BloomConfig& config, const std::string& dtype) {
  Json architectures = Json::Array();
  architectures.Append("BloomModel");
  Json json = Json::Object();
  json.Set("apply_residual_connection_post_layernorm", config.residual_from_layernorm);
  json.Set("architectures", architectures);
  json.Set("attention_dropout", 0.0);
  json.Set("bos_token_id", 1);
  json.Set("eos_token_id", 2);
  json.Set("hidden_dropout", 0.0);
  json.Set("hidden_size", config.hidden_size);
  json.Set("initializer_range", 0.02);
  json.Set("layer_norm_epsilon", config.layer_norm_epsilon);
  json.Set("model_type", "bloom");
  json.Set("n_head", config.heads);
  json.Set("n_layer", config.layers);
  json.Set("pad_token_id", 3);
  json.Set("torch_dtype",
           dtype);  // transformers reads this spelling in every version, `dtype` only since 4.56
  json.Set("vocab_size", config.vocab_size);
  return json;
}

}  // namespace lacos
