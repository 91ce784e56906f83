// BLOOM's architecture as config.json describes it, under every name that published folders use.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/io/json.h"

namespace lacos {

struct BloomConfig {
  int64_t hidden_size = 0;  // D; also n_embed
  int64_t heads = 0;        // H; n_head or num_attention_heads
  int64_t layers = 0;       // L; n_layer or num_hidden_layers
  int64_t vocab_size = 0;   // V: rows of the embedding matrix
  double layer_norm_epsilon = 1e-5;
  bool residual_from_layernorm = false;  // apply_residual_connection_post_layernorm
  // transformers leaves out the biases of dense and dense_4h_to_h if slow_but_exact is true and
  // pretraining_tp is above 1. BaseWeights::Vector does the same.
  bool drops_output_biases = false;
  int64_t head_dim() const { return hidden_size / heads; }
  // The number of parameters of BloomModel: V*D + 2D + L*(12D^2 + 13D) + 2D.
  int64_t Parameters() const;
};

// Reads a config.json. Throws UserError naming `where` and the key for missing, misshapen or
// unsupported values (another model_type, an n_inner other than 4D, heads that do not divide D).
BloomConfig ParseBloomConfig(const Json& json, const std::string& where);
// Writes a config.json, for `init` and tests.
Json BloomConfigToJson(const BloomConfig& config, const std::string& dtype);

}  // namespace lacos
