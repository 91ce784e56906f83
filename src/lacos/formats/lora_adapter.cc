#include "lacos/formats/lora_adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/name_hash.h"
#include "lacos/base/rng.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/bloom_tensors.h"

namespace lacos {
namespace {

void CheckSettings(const BloomConfig& config, const LoraSettings& settings) {
  if (settings.rank < 1) {
    throw UserError(fmt::format("[lora] the rank is {}; expected at least 1; choose `lora_rank` 8",
                                settings.rank));
  }
  if (!std::isfinite(settings.alpha) || settings.alpha <= 0) {
    throw UserError(
        fmt::format("[lora] alpha is {}; expected a positive number; choose `lora_alpha` {}",
                    settings.alpha, 2 * settings.rank));
  }
  if (!(settings.dropout >= 0 && settings.dropout < 1)) {
    throw UserError(fmt::format(
        "[lora] the dropout is {}; expected 0 or more and less than 1; choose `lora_dropout` 0",
        settings.dropout));
  }
  const std::set<std::string> kinds(std::begin(kLoraTargets), std::end(kLoraTargets));
  if (settings.targets.empty()) {
    throw UserError(fmt::format(
        "[lora] no target is named; expected some of {}; choose `lora_target` query_key_value",
        fmt::join(kinds, ", ")));
  }
  for (const std::string& target : settings.targets) {
    if (kinds.contains(target)) continue;
    throw UserError(fmt::format(
        "[lora] the target '{}' is no linear layer of BLOOM; expected some of {}; correct "
        "`lora_target`",
        target, fmt::join(kinds, ", ")));
  }
  const int64_t last = settings.last_layer < 0 ? config.layers - 1 : settings.last_layer;
  if (settings.first_layer < 0 || settings.first_layer > last || last >= config.layers) {
    throw UserError(fmt::format(
        "[lora] the layers are {} to {}; expected a range inside 0 to {}; correct `lora_layers`",
        settings.first_layer, last, config.layers - 1));
  }
}

}  // namespace

std::vector<LinearModule> ListLinearModules(const BloomConfig& config) {
  std::vector<LinearModule> modules;
  for (const TensorSpec& spec : ListTensors(config)) {
    if (!spec.IsMatrix() || !spec.name.starts_with("h.")) continue;
    modules.push_back({.name = spec.name.substr(0, spec.name.size() - kWeightSuffix.size()),
                       .kind = spec.kind,
                       .layer = std::stoll(spec.name.substr(2)),
                       .out = spec.shape[0],
                       .in = spec.shape[1]});
  }
  return modules;
}

bool ChangesBiases(const LoraAdapter& adapter) {
  return !adapter.biases.empty() ||
         std::any_of(adapter.modules.begin(), adapter.modules.end(),
                     [](const auto& module) { return !module.second.b_bias.values.empty(); });
}

std::vector<float> AdaptedBias(const LoraAdapter& adapter, const std::string& module,
                               std::vector<float> bias) {
  if (const auto trained = adapter.biases.find(module + ".bias"); trained != adapter.biases.end())
    bias = trained->second.values;
  const auto found = adapter.modules.find(module);
  if (found == adapter.modules.end()) return bias;
  const LoraModule& lora = found->second;
  LACOS_CHECK(lora.b_bias.values.empty() || lora.b_bias.values.size() == bias.size(),
              "lora_bias has one value an output");
  for (size_t i = 0; i < lora.b_bias.values.size(); ++i)
    bias[i] = static_cast<float>(bias[i] + lora.scale * lora.b_bias.values[i]);
  return bias;
}

LoraAdapter InitializeLora(const BloomConfig& config, const LoraSettings& settings, uint64_t seed) {
  LACOS_CHECK(!settings.train_biases, "BitFit starts from the model's biases: InitializeBitFit");
  CheckSettings(config, settings);
  const int64_t last = settings.last_layer < 0 ? config.layers - 1 : settings.last_layer;
  LoraAdapter adapter{.settings = settings, .modules = {}, .biases = {}, .idle_modules = {}};
  for (const LinearModule& linear : ListLinearModules(config)) {
    if (linear.layer < settings.first_layer || linear.layer > last) continue;
    if (std::find(settings.targets.begin(), settings.targets.end(), linear.kind) ==
        settings.targets.end())
      continue;
    if (settings.rank > std::min(linear.in, linear.out)) {
      throw UserError(fmt::format(
          "[lora] rank {} exceeds the width {} of '{}'; expected a low rank; choose `lora_rank` "
          "<= {}",
          settings.rank, std::min(linear.in, linear.out), linear.name,
          std::min(linear.in, linear.out)));
    }
    LoraModule& module = adapter.modules[linear.name];
    module.a.shape = {settings.rank, linear.in};
    module.a.values.resize(static_cast<size_t>(settings.rank * linear.in));
    module.b.shape = {linear.out, settings.rank};
    module.b.values.assign(static_cast<size_t>(linear.out * settings.rank), 0.0f);
    const auto rank = static_cast<double>(settings.rank);
    module.scale = settings.alpha / (settings.rank_stabilized ? std::sqrt(rank) : rank);
    module.dropout = settings.dropout;
    const double bound = 1 / std::sqrt(static_cast<double>(linear.in));
    Random random(seed, RandomStream::kLoraInit, NameHash(linear.name));
    for (float& value : module.a.values)
      value = static_cast<float>((2 * random.Uniform() - 1) * bound);
  }
  return adapter;
}

LoraAdapter InitializeBitFit(const BaseWeights& base_weights, const LoraSettings& settings) {
  LACOS_CHECK(settings.train_biases, "LoRA starts with InitializeLora");
  LoraAdapter adapter{.settings = settings, .modules = {}, .biases = {}, .idle_modules = {}};
  for (const TensorSpec& spec : ListTensors(base_weights.config())) {
    if (spec.name.ends_with(".bias"))
      adapter.biases[spec.name] = {.shape = spec.shape, .values = base_weights.Vector(spec.name)};
  }
  return adapter;
}

LoraAdapter InitializeAdapter(const BaseWeights& base_weights, const LoraSettings& settings,
                              uint64_t seed) {
  return settings.train_biases ? InitializeBitFit(base_weights, settings)
                               : InitializeLora(base_weights.config(), settings, seed);
}

}  // namespace lacos
