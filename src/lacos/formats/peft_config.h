// Reads and writes adapter_config.json, PEFT's description of what an adapter changes and by how
// much. Settings that lacos would compute differently from PEFT are refused by name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lacos/base/enum_names.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/io/json.h"

namespace lacos {

// The biases that an adapter holds: none, all of the model, or those of the adapted matrices.
enum class PeftBias : uint8_t { kNone, kAll, kLoraOnly };
inline constexpr auto kPeftBiasNames = MakeEnumNames<EnumWord<PeftBias>>({
    {PeftBias::kNone, "none"},
    {PeftBias::kAll, "all"},
    {PeftBias::kLoraOnly, "lora_only"},
});
constexpr const auto& NamesOf(PeftBias) { return kPeftBiasNames; }

struct PeftConfig {
  int64_t rank = 8;
  double alpha = 8;
  double dropout = 0;
  bool rank_stabilized = false;
  PeftBias bias = PeftBias::kNone;
  bool lora_bias = false;  // each B has a bias of its own
  // Whether layers whose weights are tied, such as lm_head and the word embedding, are adapted alike.
  bool ensure_weight_tying = false;
  std::vector<bool> enable;  // MergedLinear's enable_lora; empty for plain LoRA
  std::string base_name;     // base_model_name_or_path, or empty

  // Whether the adapter changes a module. `module` is its name in PEFT
  // ("transformer.h.0.self_attention.dense" for BloomForCausalLM), `layer` the number of its layer,
  // or -1 outside the layers.
  std::function<bool(const std::string& module, int64_t layer)> targets;
  std::function<int64_t(const std::string& module)> rank_of;
  std::function<double(const std::string& module)> alpha_of;
};

// Throws UserError that names the file and the key of a malformed or unsupported value.
PeftConfig ReadPeftConfig(const std::string& path);

// base_model_name_or_path of an adapter folder, or empty.
std::string ReadAdapterBaseName(const std::string& folder);

// The keys that every PEFT since 0.9 reads. Keys that came later keep their defaults.
struct PeftConfigValues {
  const LoraSettings& settings;
  int64_t rank = 8;
  PeftBias bias = PeftBias::kNone;
  std::vector<std::string> target_modules;  // kinds, or full names if not every layer is adapted
  std::map<std::string, int64_t> rank_pattern;  // ranks by full module name
  std::map<std::string, double> alpha_pattern;
  bool lora_bias = false;
  bool causal = false;  // the keys are those of a BloomForCausalLM
  std::string base_name;
};
Json PeftConfigToJson(const PeftConfigValues& values);

}  // namespace lacos
