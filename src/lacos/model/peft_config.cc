#include "lacos/model/peft_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <utility>

#include "lacos/base/error.h"

namespace lacos {
namespace {

constexpr size_t kMaxPattern = 1000;  // std::regex recurses: a bound on what a file can make it do

[[noreturn]] void Refuse(const Json& value, const std::string& meaning) {
  throw UserError(
      fmt::format("{} found {}; {}, which lacos does not compute; expected a plain LoRA adapter; merge this "
                  "one into its base with PEFT instead",
                  value.Where(), value.Dump(), meaning));
}

bool IsEmpty(const Json& value) {
  if (value.IsBool()) return !value.AsBool();
  return (value.IsArray() || value.IsObject()) && value.size() == 0;
}

// Features that change the result, with what they are. Absent, null, false and empty values are fine.
void RefuseUnsupported(const Json& json) {
  static const std::vector<std::pair<std::string, std::string>> unsupported = {
      {"enable_lora", "this is the old MergedLinear form (PEFT before 0.3)"},
      {"fan_in_fan_out", "the weights are transposed, as only the old MergedLinear form had them for BLOOM"},
      {"use_dora", "this is DoRA"},
      {"lora_bias", "the LoRA matrices have biases"},
      {"modules_to_save", "whole modules are replaced"},
      {"layer_replication", "layers are repeated"},
      {"trainable_token_indices", "rows of the word embedding are replaced"},
      {"target_parameters", "single parameters are adapted"},
      {"alora_invocation_tokens", "this is activated LoRA"},
      {"use_qalora", "this is QALoRA"},
      {"use_bdlora", "this is block-diagonal LoRA"},
      {"arrow_config", "this routes between adapters"},
      {"kasa_config", "this is KaSA"},
      {"monteclora_config", "this is MonteCLoRA"},
      {"velora_config", "this is VeLoRA"},
      {"megatron_config", "this is for Megatron's parallel layers"},
  };
  std::set<std::string> known = {"use_rslora"};
  for (const auto& [key, meaning] : unsupported) {
    known.insert(key);
    if (const auto value = json.Find(key); value && !IsEmpty(*value)) Refuse(*value, meaning);
  }
  // A later PEFT's variants follow this pattern of names.
  for (const std::string& key : json.Keys()) {
    const auto value = json.Find(key);
    if (key.starts_with("use_") && !known.contains(key) && value && !IsEmpty(*value)) {
      Refuse(*value, "this is a LoRA variant that lacos does not know");
    }
  }
  if (const auto init = json.Find("init_lora_weights"); init && init->IsString()) {
    // The others (pissa, olora, corda, loftq, lora_ga) change the base's weights when the adapter is made.
    const std::set<std::string> harmless = {"gaussian", "eva", "orthogonal"};
    if (!harmless.contains(init->AsString()))
      Refuse(*init, "this initialisation may change the base's weights");
  }
}

std::regex Compile(const Json& where, const std::string& pattern) {
  try {
    if (pattern.size() <= kMaxPattern) return std::regex(pattern, std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    // reported below
  }
  throw UserError(fmt::format(
      "{} found the pattern '{}'; expected a regular expression that ECMAScript knows, of at most "
      "{} characters; name the modules in a list instead",
      where.Where(), pattern.substr(0, 80), kMaxPattern));
}

// A list matches a name or its end after a dot; a string is a regular expression for the whole name.
std::function<bool(const std::string&)> Matcher(const Json& json) {
  if (json.IsString()) {
    return [pattern = Compile(json, json.AsString())](const std::string& name) {
      return std::regex_match(name, pattern);
    };
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < json.size(); ++i) names.push_back(json[i].AsString());
  return [names = std::move(names)](const std::string& name) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& target) {
      return name == target || name.ends_with("." + target);
    });
  };
}

// layers_to_transform, when it names any layers.
std::optional<std::set<int64_t>> ReadLayers(const Json& json) {
  const auto layers = json.Find("layers_to_transform");
  if (!layers || (layers->IsArray() && layers->size() == 0)) return std::nullopt;
  if (const auto pattern = json.Find("layers_pattern"); pattern && !IsEmpty(*pattern)) {
    const Json name = pattern->IsArray() ? (*pattern)[0] : *pattern;
    if ((pattern->IsArray() && pattern->size() != 1) ||
        (name.AsString() != "h" && !name.AsString().empty())) {
      throw UserError(
          fmt::format("{} found {}; expected null or \"h\", the name of BLOOM's list of layers; correct the "
                      "file",
                      pattern->Where(), pattern->Dump()));
    }
  }
  std::set<int64_t> set;
  if (layers->IsArray()) {
    for (size_t i = 0; i < layers->size(); ++i) set.insert((*layers)[i].AsInt());
  } else {
    set.insert(layers->AsInt());
  }
  return set;
}

std::function<bool(const std::string&, int64_t)> ReadTargets(const Json& json) {
  std::function<bool(const std::string&)> target = [](const std::string& name) {
    return name.ends_with(".query_key_value");  // PEFT's default for BLOOM
  };
  const auto modules = json.Find("target_modules");
  const auto layers = ReadLayers(json);
  if (modules && modules->IsString()) {
    if (layers) {
      throw UserError(fmt::format(
          "{} found a string beside layers_to_transform; expected a list of names with it; correct "
          "the file",
          modules->Where()));
    }
    if (modules->AsString() == "all-linear") {
      target = [](const std::string&) { return true; };
    } else {
      target = Matcher(*modules);
    }
  } else if (modules) {
    target = Matcher(*modules);
  }
  std::function<bool(const std::string&)> excluded = [](const std::string&) { return false; };
  if (const auto exclude = json.Find("exclude_modules"); exclude && !IsEmpty(*exclude))
    excluded = Matcher(*exclude);
  // PEFT lets a full name in the list overrule layers_to_transform.
  std::set<std::string> full_names;
  if (modules && modules->IsArray()) {
    for (size_t i = 0; i < modules->size(); ++i) full_names.insert((*modules)[i].AsString());
  }
  return [target, excluded, layers, full_names](const std::string& name, int64_t layer) {
    if (excluded(name) || !target(name)) return false;
    return !layers || layers->contains(layer) || full_names.contains(name);
  };
}

// rank_pattern or alpha_pattern: the first key that matches the end of the name, after a dot or in whole.
template <class T>
std::function<T(const std::string&)> ReadPattern(const Json& json, const char* key, T otherwise,
                                                 const std::function<T(const Json&)>& value_of) {
  auto patterns = std::make_shared<std::vector<std::pair<std::regex, T>>>();
  if (const auto map = json.Find(key)) {
    map->ForEachItem([&](std::string_view name, const Json& value) {
      patterns->emplace_back(Compile(value, "(.*\\.)?(" + std::string(name) + ")"), value_of(value));
    });
  }
  return [patterns, otherwise](const std::string& name) {
    for (const auto& [pattern, value] : *patterns) {
      if (std::regex_match(name, pattern)) return value;
    }
    return otherwise;
  };
}

int64_t ReadRank(const Json& json) {
  const int64_t rank = json.AsInt();
  if (rank >= 1 && rank <= (int64_t{1} << 18)) return rank;
  throw UserError(
      fmt::format("{} found {}; expected a rank of at least 1; correct the file", json.Where(), rank));
}

double ReadAlpha(const Json& json) {
  const double alpha = json.AsDouble();
  if (std::isfinite(alpha)) return alpha;
  throw UserError(
      fmt::format("{} found {}; expected a finite number; correct the file", json.Where(), alpha));
}

// PEFT writes whole alphas as integers.
Json NumberToJson(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

}  // namespace

PeftConfig ReadPeftConfig(const std::string& path) {
  const Json json = Json::ReadFile(path);
  const Json type = json.At("peft_type");
  if (type.AsString() != "LORA") {
    throw UserError(fmt::format("{} found '{}'; expected LORA; only LoRA adapters are read", type.Where(),
                                type.AsString()));
  }
  RefuseUnsupported(json);
  PeftConfig config;
  if (const auto rank = json.Find("r")) config.rank = ReadRank(*rank);
  if (const auto alpha = json.Find("lora_alpha")) config.alpha = ReadAlpha(*alpha);
  if (const auto dropout = json.Find("lora_dropout")) config.dropout = dropout->AsDouble();
  if (!(config.dropout >= 0 && config.dropout <= 1)) {
    throw UserError(
        fmt::format("[{}: lora_dropout] found {}; expected 0 to 1; correct the file", path, config.dropout));
  }
  if (const auto stabilised = json.Find("use_rslora")) config.rank_stabilised = stabilised->AsBool();
  if (const auto bias = json.Find("bias")) {
    const std::string name = bias->AsString();
    if (name == "all") {
      config.bias = PeftConfig::Bias::kAll;
    } else if (name == "lora_only") {
      config.bias = PeftConfig::Bias::kLoraOnly;
    } else if (name != "none") {
      throw UserError(fmt::format("{} found '{}'; expected none, all or lora_only; correct the file",
                                  bias->Where(), name));
    }
  }
  if (const auto base = json.Find("base_model_name_or_path")) config.base_name = base->AsString();
  config.targets = ReadTargets(json);
  config.rank_of = ReadPattern<int64_t>(json, "rank_pattern", config.rank, ReadRank);
  config.alpha_of = ReadPattern<double>(json, "alpha_pattern", config.alpha, ReadAlpha);
  return config;
}

std::string ReadAdapterBaseName(const std::string& folder) {
  const Json json = Json::ReadFile((std::filesystem::path(folder) / "adapter_config.json").string());
  const auto base = json.Find("base_model_name_or_path");
  return base ? base->AsString() : "";
}

Json PeftConfigToJson(const PeftConfigValues& values) {
  Json json = Json::Object();
  Json alpha_pattern = Json::Object();
  for (const auto& [name, alpha] : values.alpha_pattern) alpha_pattern.Set(name, NumberToJson(alpha));
  Json rank_pattern = Json::Object();
  for (const auto& [name, rank] : values.rank_pattern) rank_pattern.Set(name, rank);
  Json targets = Json::Array();
  for (const std::string& name : values.target_modules) targets.Append(name);
  json.Set("alpha_pattern", alpha_pattern);
  json.Set("auto_mapping", Json());
  json.Set("base_model_name_or_path", values.base_name);
  json.Set("bias", values.bias);
  json.Set("fan_in_fan_out", false);
  json.Set("inference_mode", true);
  json.Set("init_lora_weights", true);
  json.Set("layers_pattern", Json());
  json.Set("layers_to_transform", Json());
  json.Set("loftq_config", Json::Object());
  json.Set("lora_alpha", NumberToJson(values.settings.alpha));
  json.Set("lora_dropout", values.settings.dropout);
  json.Set("megatron_config", Json());
  json.Set("megatron_core", "megatron.core");
  json.Set("modules_to_save", Json());
  json.Set("peft_type", "LORA");
  json.Set("r", values.rank);
  json.Set("rank_pattern", rank_pattern);
  json.Set("revision", Json());
  json.Set("target_modules", targets);
  json.Set("task_type", "FEATURE_EXTRACTION");
  json.Set("use_dora", false);
  json.Set("use_rslora", values.settings.rank_stabilised);
  return json;
}

}  // namespace lacos
