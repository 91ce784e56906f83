// Reading and writing PEFT adapter folders: adapter_config.json and adapter_model.safetensors.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <span>
#include <string_view>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/safetensors.h"
#include "lacos/model/checkpoint.h"
#include "lacos/model/lora_adapter.h"
#include "lacos/model/peft_config.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr char kRoot[] = "base_model.model.";                  // under BloomModel
constexpr char kHeadRoot[] = "base_model.model.transformer.";  // under BloomForCausalLM
constexpr std::string_view kBias = ".bias";
constexpr size_t kShown = 12;

// Takes tensors out of an adapter file, keeping account of what is missing, misshapen or left over.
class AdapterTensors {
 public:
  explicit AdapterTensors(const std::string& path) : file_(path) {
    for (const TensorEntry& entry : file_.tensors()) left_.insert(entry.name);
    causal_ = std::any_of(left_.begin(), left_.end(),
                          [](const std::string& name) { return name.starts_with(kHeadRoot); });
  }

  // Module names start with "transformer." when the adapter was made for BloomForCausalLM.
  std::string ModulePrefix() const { return causal_ ? "transformer." : ""; }

  // The tensor under the first of `names` that exists (plain names below the root).
  HostMatrix Take(const std::vector<std::string>& names, const std::vector<int64_t>& shape) {
    const std::string root = causal_ ? kHeadRoot : kRoot;
    for (const std::string& name : names) {
      const TensorEntry* entry = file_.Find(root + name);
      if (entry == nullptr) continue;
      left_.erase(entry->name);
      if (entry->shape != shape) {
        misshapen_.push_back(fmt::format("{} has [{}], expected [{}]", entry->name,
                                         fmt::join(entry->shape, ", "), fmt::join(shape, ", ")));
        return {};
      }
      return Read(*entry);
    }
    missing_.push_back(root + names.front());
    return {};
  }

  void RequireComplete() const {
    std::string problems;
    const auto add = [&](const char* title, const std::vector<std::string>& list) {
      if (list.empty()) return;
      const std::vector<std::string> shown(list.begin(), list.begin() + std::min(list.size(), kShown));
      problems += fmt::format("{}{} {}: {}{}", problems.empty() ? "" : "; ", list.size(), title,
                              fmt::join(shown, ", "), list.size() > kShown ? ", ..." : "");
    };
    add("missing", missing_);
    add("misshapen", misshapen_);
    add("unexpected", {left_.begin(), left_.end()});
    if (problems.empty()) return;
    throw UserError(
        fmt::format("[{}] does not hold what adapter_config.json and the base ask for: {}; expected exactly "
                    "those tensors; check that adapter and base belong together",
                    file_.path(), problems));
  }

 private:
  HostMatrix Read(const TensorEntry& entry) const {
    HostMatrix matrix{entry.shape, std::vector<float>(static_cast<size_t>(entry.Elements()))};
    if (!DecodeToFloat(entry.dtype, file_.Data(entry).data(), matrix.values.size(), matrix.values.data())) {
      throw UserError(fmt::format("[{}: {}] has the type {}; expected F32, F16 or BF16; convert the adapter",
                                  file_.path(), entry.name, Name(entry.dtype)));
    }
    for (size_t i = 0; i < matrix.values.size(); ++i) {
      if (std::isfinite(matrix.values[i])) continue;
      throw UserError(
          fmt::format("[{}: {}] is {} at index {}; expected finite numbers; use an earlier checkpoint of the "
                      "adapter",
                      file_.path(), entry.name, matrix.values[i], i));
    }
    return matrix;
  }

  SafetensorsFile file_;
  bool causal_ = false;
  std::set<std::string> left_;
  std::vector<std::string> missing_, misshapen_;
};

std::string FindAdapterFile(const std::string& folder) {
  const fs::path path = fs::path(folder) / "adapter_model.safetensors";
  if (fs::exists(path)) return path.string();
  if (fs::exists(fs::path(folder) / "adapter_model.bin")) {
    throw UserError(
        fmt::format("[{}] holds adapter_model.bin only; expected adapter_model.safetensors, since only "
                    "safetensors are read; load the adapter with PEFT and save it again",
                    folder));
  }
  throw UserError(
      fmt::format("[{}] has no adapter_model.safetensors; expected it beside adapter_config.json; check the "
                  "folder",
                  folder));
}

bool AllZero(const HostMatrix& matrix) {
  return std::all_of(matrix.values.begin(), matrix.values.end(), [](float value) { return value == 0; });
}

// What the settings of an adapter that was read say about its extent.
LoraSettings DescribeSettings(const PeftConfig& config, const std::vector<LinearModule>& adapted,
                              int64_t layers) {
  LoraSettings settings{.rank = config.rank,
                        .alpha = config.alpha,
                        .dropout = config.dropout,
                        .rank_stabilised = config.rank_stabilised,
                        .targets = {}};
  int64_t first = layers, last = -1;
  for (const LinearModule& linear : adapted) {
    first = std::min(first, linear.layer);
    last = std::max(last, linear.layer);
    if (std::find(settings.targets.begin(), settings.targets.end(), linear.kind) == settings.targets.end()) {
      settings.targets.push_back(linear.kind);
    }
  }
  settings.first_layer = first;
  settings.last_layer = last == layers - 1 ? -1 : last;
  return settings;
}

}  // namespace

LoraAdapter ReadLoraAdapter(const std::string& folder, const BloomConfig& config) {
  const std::string config_path = (fs::path(folder) / "adapter_config.json").string();
  const PeftConfig peft = ReadPeftConfig(config_path);
  AdapterTensors tensors(FindAdapterFile(folder));
  const std::string prefix = tensors.ModulePrefix();

  LoraAdapter adapter;
  std::vector<LinearModule> adapted;
  for (const LinearModule& linear : ListLinearModules(config)) {
    const std::string name = prefix + linear.name;
    if (!peft.targets(name, linear.layer)) continue;
    adapted.push_back(linear);
    const int64_t rank = peft.rank_of(name);
    LoraModule& module = adapter.modules[linear.name];
    module.a = tensors.Take({linear.name + ".lora_A.weight"}, {rank, linear.in});
    module.b = tensors.Take({linear.name + ".lora_B.weight"}, {linear.out, rank});
    module.scale = peft.alpha_of(name) /
                   (peft.rank_stabilised ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
    module.dropout = peft.dropout;
  }
  if (adapted.empty()) {
    throw UserError(
        fmt::format("[{}: target_modules] names no linear layer of BLOOM; expected some of query_key_value, "
                    "dense, dense_h_to_4h, dense_4h_to_h; check that the adapter was made for BLOOM",
                    config_path));
  }
  for (const TensorSpec& spec : ListTensors(config)) {
    if (peft.bias == PeftConfig::Bias::kNone || !spec.name.ends_with(kBias)) continue;
    const std::string module = spec.name.substr(0, spec.name.size() - kBias.size());
    const bool is_adapted = adapter.modules.contains(module);
    if (!is_adapted && peft.bias == PeftConfig::Bias::kLoraOnly) continue;
    // PEFT keeps the bias of an adapted layer in its base_layer; before 0.7 it lay in the layer itself.
    std::vector<std::string> names = {spec.name};
    if (is_adapted) names = {module + ".base_layer.bias", spec.name};
    adapter.biases[spec.name] = tensors.Take(names, spec.shape);
  }
  tensors.RequireComplete();
  adapter.settings = DescribeSettings(peft, adapted, config.layers);
  // lacos's own form of BitFit: PEFT has no adapter of biases alone, so rank-1 matrices that do nothing stand
  // in.
  const bool idle = peft.bias == PeftConfig::Bias::kAll && peft.rank == 1 &&
                    std::all_of(adapter.modules.begin(), adapter.modules.end(),
                                [](const auto& item) { return AllZero(item.second.b); });
  if (idle) {
    adapter.modules.clear();
    adapter.settings.train_biases = true;
  }
  return adapter;
}

namespace {

// The rank-1 stand-in of a BitFit adapter: B is zero, so that nothing but the biases changes the model.
LoraAdapter WithIdleModules(const LoraAdapter& adapter) {
  LoraAdapter padded = adapter;
  const HostMatrix& last_bias = adapter.biases.at("ln_f.bias");
  BloomConfig config{.hidden_size = last_bias.shape[0], .heads = 1, .layers = 0, .vocab_size = 1};
  while (adapter.biases.contains(fmt::format("h.{}.self_attention.query_key_value.bias", config.layers)))
    ++config.layers;
  LoraSettings settings{.rank = 1, .alpha = 1};
  padded.modules = InitialiseLora(config, settings, 0).modules;
  padded.settings = settings;
  return padded;
}

// Kinds where every layer is adapted alike, else full names: PEFT's layers_to_transform does not find the
// layers of a BloomModel, whose module names begin with "h." (its pattern wants a name before the list of
// layers).
std::vector<std::string> TargetModules(const LoraAdapter& adapter) {
  std::map<std::string, std::set<int64_t>> layers_of_kind;
  std::vector<std::string> full_names;
  for (const auto& [name, module] : adapter.modules) {
    full_names.push_back(name);
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

std::string BiasMode(const LoraAdapter& adapter) {
  if (adapter.biases.empty()) return "none";
  const bool lora_only = adapter.biases.size() == adapter.modules.size() &&
                         std::all_of(adapter.modules.begin(), adapter.modules.end(), [&](const auto& item) {
                           return adapter.biases.contains(item.first + std::string(kBias));
                         });
  return lora_only ? "lora_only" : "all";
}

}  // namespace

void WriteLoraAdapter(const LoraAdapter& given, const std::string& folder, const std::string& base_name) {
  const bool bias_only = given.modules.empty();
  LACOS_CHECK(!bias_only || !given.biases.empty(), "an adapter changes something");
  const LoraAdapter adapter = bias_only ? WithIdleModules(given) : given;

  std::map<std::string, const HostMatrix*> tensors;
  PeftConfigValues values{.settings = adapter.settings,
                          .rank = adapter.settings.rank,
                          .bias = BiasMode(adapter),
                          .target_modules = TargetModules(adapter),
                          .rank_pattern = {},
                          .alpha_pattern = {},
                          .base_name = base_name};
  for (const auto& [name, module] : adapter.modules) {
    tensors[kRoot + name + ".lora_A.weight"] = &module.a;
    tensors[kRoot + name + ".lora_B.weight"] = &module.b;
    const int64_t rank = module.a.shape[0];
    if (rank != adapter.settings.rank) values.rank_pattern[name] = rank;
    const double divisor =
        adapter.settings.rank_stabilised ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank);
    if (module.scale != adapter.settings.alpha / divisor) values.alpha_pattern[name] = module.scale * divisor;
  }
  for (const auto& [name, bias] : adapter.biases) {
    const std::string module = name.substr(0, name.size() - kBias.size());
    tensors[kRoot + (adapter.modules.contains(module) ? module + ".base_layer.bias" : name)] = &bias;
  }

  SafetensorsWriter writer((fs::path(folder) / "adapter_model.safetensors").string());
  for (const auto& [name, matrix] : tensors) writer.Declare(name, DType::kF32, matrix->shape);
  for (const TensorEntry& entry : writer.Begin()) {
    const HostMatrix& matrix = *tensors.at(entry.name);
    LACOS_CHECK(static_cast<int64_t>(matrix.values.size()) == entry.Elements(),
                "a matrix has the values of its shape");
    writer.Write(std::as_bytes(std::span(matrix.values)));
  }
  writer.Finish();
  WriteFileAtomically((fs::path(folder) / "adapter_config.json").string(),
                      PeftConfigToJson(values).Dump(2, /*sorted=*/true) + "\n");
}

}  // namespace lacos
