// Reads and writes PEFT adapter folders: adapter_config.json and adapter_model.safetensors
// (or .bin).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <span>
#include <string_view>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/formats/adapter_tensors.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/formats/merged_linear.h"
#include "lacos/formats/peft_config.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/safetensors.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBias = ".bias";

bool AllZero(const HostMatrix& matrix) {
  return std::all_of(matrix.values.begin(), matrix.values.end(),
                     [](float value) { return value == 0; });
}

// The settings that describe the extent of an adapter that was read.
LoraSettings DescribeSettings(const PeftConfig& config, const std::vector<LinearModule>& adapted,
                              int64_t layers) {
  // The A of a MergedLinear has the rank once for each enabled part, with the same scale.
  const auto parts =
      std::max<int64_t>(std::count(config.enable.begin(), config.enable.end(), true), 1);
  LoraSettings settings{.rank = parts * config.rank,
                        .alpha = static_cast<double>(parts) * config.alpha,
                        .dropout = config.dropout,
                        .rank_stabilized = config.rank_stabilized,
                        .targets = {}};
  int64_t first = layers, last = -1;
  for (const LinearModule& linear : adapted) {
    first = std::min(first, linear.layer);
    last = std::max(last, linear.layer);
    if (std::find(settings.targets.begin(), settings.targets.end(), linear.kind) ==
        settings.targets.end()) {
      settings.targets.push_back(linear.kind);
    }
  }
  settings.first_layer = first;
  settings.last_layer = last == layers - 1 ? -1 : last;
  return settings;
}

// Refuses layers outside the blocks that PEFT could adapt as well and that change vectors. Vectors do
// not depend on heads, unless the word embedding is tied to an adapted head.
void RefuseOtherModules(const PeftConfig& peft, const AdapterTensors& tensors,
                        const std::string& path) {
  const auto refuse = [&](const std::string& key, const std::string& what) {
    throw UserError(fmt::format(
        "[{}: {}] {}, which lacos does not adapt; expected some of query_key_value, dense, "
        "dense_h_to_4h, dense_4h_to_h; merge this adapter into its base with PEFT instead",
        path, key, what));
  };
  const std::string embedding = tensors.ModulePrefix() + "word_embeddings";
  if (peft.targets(embedding, -1)) refuse("target_modules", "names " + embedding);
  const bool adapts_lm_head = std::ranges::any_of(tensors.heads(), [](const std::string& name) {
    return name.find("lm_head.") != std::string::npos;
  });
  if (peft.ensure_weight_tying && adapts_lm_head)
    refuse("ensure_weight_tying", "ties the word embedding to lm_head, which the adapter changes");
}

LoraModule ReadLora(AdapterTensors& tensors, const LinearModule& linear, const PeftConfig& peft,
                    const std::string& name) {
  const int64_t rank = peft.rank_of(name);
  LoraModule module;
  module.a = tensors.Take({linear.name + ".lora_A.weight"}, {rank, linear.in});
  module.b = tensors.Take({linear.name + ".lora_B.weight"}, {linear.out, rank});
  if (peft.lora_bias) module.b_bias = tensors.Take({linear.name + ".lora_B.bias"}, {linear.out});
  module.scale = peft.alpha_of(name) / (peft.rank_stabilized ? std::sqrt(static_cast<double>(rank))
                                                             : static_cast<double>(rank));
  return module;
}

}  // namespace

LoraAdapter ReadLoraAdapter(const std::string& folder, const BloomConfig& config) {
  const std::string config_path = (fs::path(folder) / "adapter_config.json").string();
  const PeftConfig peft = ReadPeftConfig(config_path);
  AdapterTensors tensors(folder);
  const std::string prefix = tensors.ModulePrefix();

  LoraAdapter adapter;
  adapter.causal_keys = tensors.causal();
  adapter.left_out_heads = tensors.heads();
  std::vector<LinearModule> adapted;
  for (const LinearModule& linear : ListLinearModules(config)) {
    const std::string name = prefix + linear.name;
    if (!peft.targets(name, linear.layer)) continue;
    adapted.push_back(linear);
    LoraModule& module = adapter.modules[linear.name];
    module = peft.enable.empty()
                 ? ReadLora(tensors, linear, peft, name)
                 : ReadMergedLinear(tensors, linear, peft.enable, peft.rank, peft.alpha);
    module.dropout = peft.dropout;
  }
  if (adapted.empty()) {
    throw UserError(fmt::format(
        "[{}: target_modules] names no linear layer of BLOOM; expected some of query_key_value, "
        "dense, dense_h_to_4h, dense_4h_to_h; check that the adapter was made for BLOOM",
        config_path));
  }
  RefuseOtherModules(peft, tensors, config_path);
  for (const TensorSpec& spec : ListTensors(config)) {
    if (peft.bias == PeftBias::kNone || !spec.name.ends_with(kBias)) continue;
    const std::string module = spec.name.substr(0, spec.name.size() - kBias.size());
    const bool is_adapted = adapter.modules.contains(module);
    if (!is_adapted && peft.bias == PeftBias::kLoraOnly) continue;
    // PEFT keeps the bias of an adapted layer in its base_layer. Before 0.7 the bias was in the
    // layer itself.
    std::vector<std::string> names = {spec.name};
    if (is_adapted) names = {module + ".base_layer.bias", spec.name};
    adapter.biases[spec.name] = tensors.Take(names, spec.shape);
  }
  tensors.RequireComplete();
  adapter.settings = DescribeSettings(peft, adapted, config.layers);
  // PEFT has no adapter that consists only of biases (BitFit), so rank-1 matrices without effect
  // are added.
  const bool idle =
      peft.bias == PeftBias::kAll && peft.rank == 1 && peft.enable.empty() &&
      std::all_of(adapter.modules.begin(), adapter.modules.end(), [](const auto& item) {
        return AllZero(item.second.b) && item.second.b_bias.values.empty();
      });
  if (idle) {
    adapter.idle_modules = std::move(adapter.modules);
    adapter.modules.clear();
    adapter.settings.train_biases = true;
  }
  return adapter;
}

namespace {

// Adds the rank-1 matrices that a BitFit adapter needs in PEFT. Their B is zero, so that only the
// biases change the model.
LoraAdapter WithIdleModules(const LoraAdapter& adapter) {
  LoraAdapter padded = adapter;
  if (!adapter.idle_modules.empty()) {
    padded.modules = adapter.idle_modules;
    return padded;
  }
  const HostMatrix& last_bias = adapter.biases.at("ln_f.bias");
  BloomConfig config{.hidden_size = last_bias.shape[0], .heads = 1, .layers = 0, .vocab_size = 1};
  while (adapter.biases.contains(
      fmt::format("h.{}.self_attention.query_key_value.bias", config.layers)))
    ++config.layers;
  LoraSettings settings{.rank = 1, .alpha = 1};
  padded.modules = InitializeLora(config, settings, 0).modules;
  padded.settings = settings;
  return padded;
}

// Kinds of layers if every layer is adapted alike, else full names. PEFT's layers_to_transform does
// not find the layers of a BloomModel, because their names begin with "h." and its pattern expects
// a name before the list of layers.
std::vector<std::string> TargetModules(const LoraAdapter& adapter, const std::string& prefix) {
  std::map<std::string, std::set<int64_t>> layers_of_kind;
  std::vector<std::string> full_names;
  for (const auto& [name, module] : adapter.modules) {
    full_names.push_back(prefix + name);
    layers_of_kind[name.substr(name.rfind('.') + 1)].insert(std::stoll(name.substr(2)));
  }
  bool every_layer = adapter.settings.first_layer == 0 && adapter.settings.last_layer < 0;
  std::vector<std::string> kinds;
  for (const auto& [kind, layers] : layers_of_kind) {
    kinds.push_back(kind);
    every_layer = every_layer && layers == layers_of_kind.begin()->second &&
                  *layers.rbegin() + 1 == static_cast<int64_t>(layers.size());
  }
  return every_layer ? kinds : full_names;
}

// The alpha that gives `scale` again when it is divided by `divisor`, as a whole number if there
// is one.
double AlphaOf(double scale, double divisor) {
  const double alpha = scale * divisor;
  return std::round(alpha) / divisor == scale ? std::round(alpha) : alpha;
}

PeftBias BiasMode(const LoraAdapter& adapter) {
  if (adapter.biases.empty()) return PeftBias::kNone;
  const bool lora_only =
      adapter.biases.size() == adapter.modules.size() &&
      std::all_of(adapter.modules.begin(), adapter.modules.end(), [&](const auto& item) {
        return adapter.biases.contains(item.first + std::string(kBias));
      });
  return lora_only ? PeftBias::kLoraOnly : PeftBias::kAll;
}

}  // namespace

void WriteLoraAdapter(const LoraAdapter& given, const std::string& folder,
                      const std::string& base_name) {
  const bool bias_only = given.modules.empty();
  LACOS_CHECK(!bias_only || !given.biases.empty(), "an adapter changes something");
  const LoraAdapter adapter = bias_only ? WithIdleModules(given) : given;
  const std::string prefix = adapter.causal_keys ? "transformer." : "";
  const std::string root = AdapterTensors::kRoot + prefix;

  std::map<std::string, const HostMatrix*> tensors;
  PeftConfigValues values{.settings = adapter.settings,
                          .rank = adapter.settings.rank,
                          .bias = BiasMode(adapter),
                          .target_modules = TargetModules(adapter, prefix),
                          .rank_pattern = {},
                          .alpha_pattern = {},
                          .lora_bias = !adapter.modules.begin()->second.b_bias.values.empty(),
                          .causal = adapter.causal_keys,
                          .base_name = base_name};
  for (const auto& [name, module] : adapter.modules) {
    tensors[root + name + ".lora_A.weight"] = &module.a;
    tensors[root + name + ".lora_B.weight"] = &module.b;
    LACOS_CHECK(module.b_bias.values.empty() != values.lora_bias,
                "lora_bias holds for all modules or none");
    if (values.lora_bias) tensors[root + name + ".lora_B.bias"] = &module.b_bias;
    const int64_t rank = module.a.shape[0];
    if (rank != adapter.settings.rank) values.rank_pattern[prefix + name] = rank;
    const double divisor = adapter.settings.rank_stabilized ? std::sqrt(static_cast<double>(rank))
                                                            : static_cast<double>(rank);
    if (module.scale != adapter.settings.alpha / divisor)
      values.alpha_pattern[prefix + name] = AlphaOf(module.scale, divisor);
  }
  for (const auto& [name, bias] : adapter.biases) {
    const std::string module = name.substr(0, name.size() - kBias.size());
    tensors[root + (adapter.modules.contains(module) ? module + ".base_layer.bias" : name)] = &bias;
  }

  SafetensorsWriter writer((fs::path(folder) / "adapter_model.safetensors").string());
  for (const auto& [name, matrix] : tensors) writer.Declare(name, matrix->stored, matrix->shape);
  for (const TensorEntry& entry : writer.Begin()) {
    const HostMatrix& matrix = *tensors.at(entry.name);
    LACOS_CHECK(static_cast<int64_t>(matrix.values.size()) == entry.Elements(),
                "a matrix has the values of its shape");
    std::vector<std::byte> bytes(static_cast<size_t>(entry.bytes));
    LACOS_CHECK(
        EncodeFromFloat(entry.dtype, matrix.values.data(), matrix.values.size(), bytes.data()),
        "adapters are stored in floating types");
    writer.Write(bytes);
  }
  writer.Finish();
  WriteFileAtomically((fs::path(folder) / "adapter_config.json").string(),
                      PeftConfigToJson(values).Dump(2, /*sorted=*/true) + "\n");
}

}  // namespace lacos
