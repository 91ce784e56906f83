// A PEFT adapter in host memory: what is on disk, and what training starts from and ends with.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/formats/bloom_config.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

// The linear layers of a block, any of which may be adapted.
inline constexpr std::string_view kLoraTargets[] = {"query_key_value", "dense", "dense_h_to_4h",
                                                    "dense_4h_to_h"};

struct LoraSettings {
  int64_t rank = 8;
  double alpha = 16;
  double dropout = 0;
  bool rank_stabilized = false;  // scale alpha / sqrt(R) instead of alpha / R
  std::vector<std::string> targets = {"query_key_value"};
  int64_t first_layer = 0, last_layer = -1;  // inclusive; last -1 = top
  // BitFit instead of LoRA (Ben Zaken et al., 2022): every bias, LayerNorm's included.
  bool train_biases = false;
};

struct HostMatrix {
  std::vector<int64_t> shape;
  std::vector<float> values;
  DType stored = DType::kF32;  // the type in its file: F32, F16 or BF16; written as it was read
};

struct LoraModule {
  HostMatrix a;  // [R, in]
  HostMatrix b;  // [out, R]
  // PEFT's lora_bias: B's own bias [out], so the layer's bias grows by scale * b_bias; no shape:
  // absent.
  HostMatrix b_bias;
  double scale = 1;
  double dropout = 0;
};

struct LoraAdapter {
  LoraSettings settings;
  // By module: "h.0.self_attention.query_key_value".
  std::map<std::string, LoraModule> modules;
  // BitFit: full bias values (not differences) by tensor name "h.0.mlp.dense_h_to_4h.bias".
  std::map<std::string, HostMatrix> biases;
  // BitFit as PEFT holds it: rank-1 matrices that do nothing (B = 0), kept to be written as they
  // were read.
  std::map<std::string, LoraModule> idle_modules;
  // Written with the keys of a BloomForCausalLM ("transformer.h.0...") instead of a BloomModel's.
  bool causal_keys = false;
};

// The bias of `module` under the adapter: `bias` [out] of the base, or the trained one in its
// place, plus what lora_bias adds.
std::vector<float> AdaptedBias(const LoraAdapter& adapter, const std::string& module,
                               std::vector<float> bias);

class BaseWeights;

// A linear layer that an adapter can change.
struct LinearModule {
  std::string name;  // "h.0.self_attention.query_key_value"
  std::string kind;  // "query_key_value"
  int64_t layer = 0, out = 0, in = 0;
};
// All of them, by layer and then by place in the block.
std::vector<LinearModule> ListLinearModules(const BloomConfig& config);

// A fresh adapter: A kaiming-uniform with a = sqrt(5), i.e. uniform in +-1/sqrt(in), B zero (PEFT's
// default); values drawn per module from (seed, module name) so that they do not depend on which
// modules are trained.
LoraAdapter InitializeLora(const BloomConfig& config, const LoraSettings& settings, uint64_t seed);

// The start of BitFit: every bias of the model with the value that it has there, and no LoRA
// matrices.
LoraAdapter InitializeBitFit(const BaseWeights& base_weights, const LoraSettings& settings);

// Reads adapter_config.json + adapter_model.safetensors (else .bin), keys for BloomModel and
// BloomForCausalLM bases, and the MergedLinear form of PEFT before 0.3 as the equal LoRA. Strict: a
// missing, extra or misshapen tensor is a UserError that lists it; unsupported features are refused
// by name.
LoraAdapter ReadLoraAdapter(const std::string& folder, const BloomConfig& config);

// Writes both files (PEFT's layout), tensors in the type in which they were stored, `base_name` as
// base_model_name_or_path.
void WriteLoraAdapter(const LoraAdapter& adapter, const std::string& folder,
                      const std::string& base_name);

}  // namespace lacos
