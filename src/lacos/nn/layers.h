// The trainable and frozen parts of one BLOOM block, as views of memory that model/ owns.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/tensor/arena.h"

namespace lacos {

// A parameter outside the frozen matrices: a LoRA matrix, a bias or a LayerNorm vector.
struct Parameter {
  TensorView value;
  GradientSum gradient;  // absent if the parameter is frozen
  bool Trainable() const { return static_cast<bool>(gradient); }
};

// The low-rank update of a frozen W [out, in] to W + scale * B A. Source: Hu et al., "LoRA" (2022).
struct LoraUpdate {
  Parameter a;         // [R, in]
  Parameter b;         // [out, R]
  double scale = 1;    // alpha / R, or alpha / sqrt(R) for rsLoRA
  double dropout = 0;  // applied to the input of A, in training only
};

struct LinearLayer {
  std::string name;
  WeightId weight = -1;
  int64_t in = 0, out = 0;
  Parameter bias;                      // [out]
  std::map<int32_t, LoraUpdate> lora;  // the key is the adapter's number
  // The update by an adapter, or null if the adapter does not change this layer.
  const LoraUpdate* Lora(int32_t adapter) const {
    const auto found = lora.find(adapter);
    return found == lora.end() ? nullptr : &found->second;
  }
  // The update that is being trained, or null. An adapter in training is always the only one.
  const LoraUpdate* TrainedLora() const {
    return !lora.empty() && lora.begin()->second.a.Trainable() ? &lora.begin()->second : nullptr;
  }
  bool Trainable() const { return bias.Trainable() || TrainedLora() != nullptr; }
};

struct LayerNormLayer {
  Parameter gamma, beta;  // [D]
  double epsilon = 1e-5;
};

struct BlockLayer {
  LayerNormLayer input_layernorm;
  LinearLayer query_key_value;  // [3D, D], rows interleaved per head: (head * 3 + part) * K + d
  LinearLayer dense;            // [D, D]
  LayerNormLayer post_attention_layernorm;
  LinearLayer dense_h_to_4h;  // [4D, D]
  LinearLayer dense_4h_to_h;  // [D, 4D]
  int heads = 1;
  bool residual_from_layernorm = false;  // apply_residual_connection_post_layernorm

  // The matrices in the order in which a forward pass uses them.
  std::array<const LinearLayer*, 4> Linears() const {
    return {&query_key_value, &dense, &dense_h_to_4h, &dense_4h_to_h};
  }
  std::array<LinearLayer*, 4> Linears() {
    return {&query_key_value, &dense, &dense_h_to_4h, &dense_4h_to_h};
  }

  // The point in the block that gradients must reach: the lowest trainable part, counted from the
  // input of the block upwards.
  enum Stage {
    kInputLayerNorm,
    kQueryKeyValue,
    kDense,
    kPostAttentionLayerNorm,
    kUp,
    kDown,
    kNone
  };
  Stage LowestTrainable() const;
};

// Dropout rates in training; all are zero in inference. LoraUpdate has the rate of LoRA.
struct DropoutRates {
  double embedding = 0;
  double attention = 0;  // for attention probabilities
  double residual = 0;   // for both residual branches
  bool Any() const { return embedding > 0 || attention > 0 || residual > 0; }
};

// Rows [begin, end) of a batch. Their texts have the same adapter.
struct AdapterRows {
  int64_t begin = 0, end = 0;
  int32_t adapter = 0;
  bool operator==(const AdapterRows&) const = default;
};

// The data that the layers of one pass share.
struct PassContext {
  Backend& backend;
  Arena& arena;
  TextLayout layout;
  TokenLeaves leaves;  // needed for gradients only
  // In ascending order. Rows of texts without an adapter are in none of them. In training one
  // adapter has all rows.
  std::vector<AdapterRows> adapters;
  TensorView token_keys;  // I64 [T], absent without dropout
  DropoutRates dropout;
  int64_t Tokens() const { return layout.tokens; }
};

// The places in a layer that drop elements; part of the `site` of a DropoutSpec.
enum class DropoutSite : uint32_t {
  kEmbedding,
  kAttention,
  kAttentionOutput,
  kMlpOutput,
  kLoraQkv,
  kLoraDense,
  kLoraUp,
  kLoraDown
};
inline DropoutSpec MakeDropout(const PassContext& pass, int layer, DropoutSite site, double rate) {
  return {.token_keys = pass.token_keys,
          .site = static_cast<uint32_t>(layer) * 8u + static_cast<uint32_t>(site),
          .rate = rate};
}

}  // namespace lacos
