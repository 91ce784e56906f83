// A PEFT adapter in host memory. It is read from and written to disk, and training starts from one
// and ends with one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/formats/bloom_config.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

// The linear layers of a block. Any of them may be adapted.
inline constexpr std::string_view kLoraTargets[] = {"query_key_value", "dense", "dense_h_to_4h",
                                                    "dense_4h_to_h"};

struct LoraSettings {
  int64_t rank = 8;
  double alpha = 16;
  double dropout = 0;
  bool rank_stabilized = false;  // scale alpha / sqrt(R) instead of alpha / R
  std::vector<std::string> targets = {"query_key_value"};
  int64_t first_layer = 0, last_layer = -1;  // inclusive; last -1 = top
  // Trains BitFit instead of LoRA: every bias, including those of LayerNorms. Source: Ben Zaken et
  // al. (2022).
  bool train_biases = false;
};

struct HostMatrix {
  std::vector<int64_t> shape;
  std::vector<float> values;
  // the type in the file (F32, F16 or BF16), with which it is written again
  DType stored = DType::kF32;
};

struct LoraModule {
  HostMatrix a;  // [R, in]
  HostMatrix b;  // [out, R]
  // The bias [out] of B under PEFT's lora_bias, which adds scale * b_bias to the layer's bias. It
  // has no shape if it is absent.
  HostMatrix b_bias;
  double scale = 1;
  double dropout = 0;
};

struct LoraAdapter {
  LoraSettings settings;
  // The matrices for each module, such as "h.0.self_attention.query_key_value".
  std::map<std::string, LoraModule> modules;
  // For BitFit, the full values of biases (not differences), by names such as
  // "h.0.mlp.dense_h_to_4h.bias".
  std::map<std::string, HostMatrix> biases;
  // For BitFit, PEFT's rank-1 matrices without effect (B = 0). They are kept, so that they can be
  // written as they were read.
  std::map<std::string, LoraModule> idle_modules;
  // Whether keys are those of a BloomForCausalLM ("transformer.h.0...") instead of a BloomModel.
  bool causal_keys = false;
  // Names of the saved heads that were left out when the adapter was read.
  std::vector<std::string> left_out_heads;
};

// Whether the adapter changes biases of the base: it has trained ones, or some of lora_bias.
bool ChangesBiases(const LoraAdapter& adapter);

// The bias of `module` with the adapter: `bias` [out] of the base, or the trained bias in its
// place, plus the part that lora_bias adds.
std::vector<float> AdaptedBias(const LoraAdapter& adapter, const std::string& module,
                               std::vector<float> bias);

class BaseWeights;

// A linear layer that an adapter can change.
struct LinearModule {
  std::string name;  // "h.0.self_attention.query_key_value"
  std::string kind;  // "query_key_value"
  int64_t layer = 0, out = 0, in = 0;
};
// All linear layers, ordered by block and then by their place in the block.
std::vector<LinearModule> ListLinearModules(const BloomConfig& config);

// A fresh adapter with PEFT's default values: A is kaiming-uniform with a = sqrt(5), that is,
// uniform in +-1/sqrt(in), and B is zero. The values of a module depend on the seed and its name
// alone, and not on which other modules are trained.
LoraAdapter InitializeLora(const BloomConfig& config, const LoraSettings& settings, uint64_t seed);

// The adapter with which BitFit starts: every bias of the model with its present value, and no LoRA
// matrices.
LoraAdapter InitializeBitFit(const BaseWeights& base_weights, const LoraSettings& settings);

// The one of the two that `settings` ask for.
LoraAdapter InitializeAdapter(const BaseWeights& base_weights, const LoraSettings& settings,
                              uint64_t seed);

// Reads adapter_config.json and adapter_model.safetensors (or .bin), with keys for BloomModel or
// BloomForCausalLM. The MergedLinear form of PEFT before 0.3 is read as the equivalent LoRA. Throws
// a UserError that lists missing, extra and misshapen tensors; unsupported features are refused by
// name.
LoraAdapter ReadLoraAdapter(const std::string& folder, const BloomConfig& config);

// Writes both files in PEFT's layout. Tensors have the type in which they were stored, and
// base_model_name_or_path is `base_name`.
void WriteLoraAdapter(const LoraAdapter& adapter, const std::string& folder,
                      const std::string& base_name);

}  // namespace lacos
