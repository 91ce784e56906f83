#include "lacos/formats/peft_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/formats/folder_keys.h"
#include "lacos/io/manifest.h"
#include "lacos/text/regex.h"

namespace lacos {
namespace {

constexpr size_t kMaxParts = 64;  // limit for enable_lora; BLOOM's fused layer has three parts

[[noreturn]] void Refuse(const Json& value, const std::string& meaning) {
  throw UserError(fmt::format(
      "{} found {}; {}, which lacos does not compute; expected a plain LoRA adapter; merge this "
      "one into its base with PEFT instead",
      value.Where(), value.Dump(), meaning));
}

bool IsEmpty(const Json& value) {
  if (value.IsBool()) return !value.AsBool();
  return (value.IsArray() || value.IsObject()) && value.size() == 0;
}

// Throws UserError for features that change the result, and says what they are. Absent, null, false
// and empty values are accepted.
void RefuseUnsupported(const Json& json) {
  std::vector<std::string> warnings;  // the reader of the folder gives them
  CheckKeys(json, FolderFile::kAdapter, warnings);
  // A saved head does not touch hidden states, so it is left out. PEFT saves score and classifier
  // with every sequence classifier.
  if (const auto modules = json.Find("modules_to_save"); modules && !IsEmpty(*modules)) {
    modules->ForEachElement([&](const Json& module) {
      const std::string name = module.AsString();
      if (!IsHeadModule(name.substr(name.rfind('.') + 1)))
        Refuse(module, "the whole module is replaced");
    });
  }
  if (const auto init = json.Find("init_lora_weights"); init && init->IsString()) {
    // The other methods (pissa, olora, corda, loftq, lora_ga) change the weights of the base when
    // the adapter is made.
    const std::set<std::string> harmless = {"gaussian", "eva", "orthogonal", "mica"};
    std::string name = init->AsString();  // PEFT compares them in lower case
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    if (!harmless.contains(name))
      Refuse(*init, "this initialization may change the base's weights");
  }
}

// `where` without its brackets, as Regex expects it.
std::string Place(const Json& json) {
  const std::string where = json.Where();
  return where.substr(1, where.size() - 2);
}

std::shared_ptr<const Regex> Compile(const Json& where, const std::string& pattern) {
  return std::make_shared<const Regex>(pattern, Regex::Syntax::kPython, Place(where));
}

// A list matches a whole name or the end of a name after a dot. A string is a regular expression
// for the whole name.
std::function<bool(const std::string&)> Matcher(const Json& json) {
  if (json.IsString()) {
    return [pattern = Compile(json, json.AsString())](const std::string& name) {
      return pattern->FullMatch(name);
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

// A function that tests whether layers_to_transform includes a layer; empty if no layers are named.
// PEFT reads the number of the layer from the module's name after the part that matches
// layers_pattern.
std::function<bool(const std::string&, int64_t)> ReadLayers(const Json& json) {
  const auto layers = json.Find("layers_to_transform");
  if (!layers || (layers->IsArray() && layers->size() == 0)) return {};
  std::set<int64_t> set;
  if (layers->IsArray()) {
    for (size_t i = 0; i < layers->size(); ++i) set.insert((*layers)[i].AsInt());
  } else {
    set.insert(layers->AsInt());
  }
  std::vector<std::shared_ptr<const Regex>> patterns;
  const auto add = [&](const Json& pattern) {
    patterns.push_back(Compile(pattern, "(?:.*\\.)?(?:" + pattern.AsString() + ")\\.[0-9]+\\..*"));
  };
  if (const auto pattern = json.Find("layers_pattern"); pattern && !IsEmpty(*pattern)) {
    if (pattern->IsArray()) {
      pattern->ForEachElement(add);
    } else if (!pattern->AsString().empty()) {
      add(*pattern);
    }
  }
  return [set, patterns](const std::string& name, int64_t layer) {
    return set.contains(layer) &&
           (patterns.empty() ||
            std::any_of(patterns.begin(), patterns.end(),
                        [&](const auto& pattern) { return pattern->FullMatch(name); }));
  };
}

// Matches every linear layer but a head; upper and lower case are the same.
bool IsAllLinear(const std::string& text) {
  static const std::string all = "all-linear";
  return std::equal(text.begin(), text.end(), all.begin(), all.end(), [](char a, char b) {
    return a == b || (a >= 'A' && a <= 'Z' && a + ('a' - 'A') == b);
  });
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
    if (IsAllLinear(modules->AsString())) {
      target = [](const std::string& name) {
        return name.find(".self_attention.") != std::string::npos ||
               name.find(".mlp.") != std::string::npos;
      };
    } else {
      target = Matcher(*modules);
    }
  } else if (modules) {
    target = Matcher(*modules);
  }
  std::function<bool(const std::string&)> excluded = [](const std::string&) { return false; };
  if (const auto exclude = json.Find("exclude_modules"); exclude && !IsEmpty(*exclude))
    excluded = Matcher(*exclude);
  // In PEFT a full name in the list overrides layers_to_transform.
  std::set<std::string> full_names;
  if (modules && modules->IsArray()) {
    for (size_t i = 0; i < modules->size(); ++i) full_names.insert((*modules)[i].AsString());
  }
  return [target, excluded, layers, full_names](const std::string& name, int64_t layer) {
    if (excluded(name) || !target(name)) return false;
    return !layers || layers(name, layer) || full_names.contains(name);
  };
}

// Looks a name up in rank_pattern or alpha_pattern: the first key that matches the whole name, or
// its end after a dot, counts.
template <class T>
std::function<T(const std::string&)> ReadPattern(const Json& json, const char* key, T otherwise,
                                                 const std::function<T(const Json&)>& value_of) {
  auto patterns = std::make_shared<std::vector<std::pair<std::shared_ptr<const Regex>, T>>>();
  if (const auto map = json.Find(key)) {
    map->ForEachItem([&](std::string_view name, const Json& value) {
      patterns->emplace_back(Compile(value, "(.*\\.)?(" + std::string(name) + ")"),
                             value_of(value));
    });
  }
  return [patterns, otherwise](const std::string& name) {
    for (const auto& [pattern, value] : *patterns) {
      if (pattern->FullMatch(name)) return value;
    }
    return otherwise;
  };
}

int64_t ReadRank(const Json& json) {
  const int64_t rank = json.AsInt();
  if (rank >= 1 && rank <= (int64_t{1} << 18)) return rank;
  throw UserError(fmt::format("{} found {}; expected a rank of at least 1; correct the file",
                              json.Where(), rank));
}

// enable_lora says which of the equal parts of a layer's outputs the old MergedLinear adapted.
std::vector<bool> ReadEnable(const Json& json) {
  const auto value = json.Find("enable_lora");
  if (!value) return {};
  std::vector<bool> enable;
  if (value->IsArray() && value->size() <= kMaxParts) {
    for (size_t i = 0; i < value->size(); ++i) enable.push_back((*value)[i].AsBool());
  }
  if (std::find(enable.begin(), enable.end(), true) == enable.end()) {
    throw UserError(fmt::format(
        "{} found {}; expected null or a list of up to {} truth values, at least one of them true, "
        "as PEFT before 0.3 wrote them; correct the file",
        value->Where(), value->Dump(), kMaxParts));
  }
  for (const char* key : {"rank_pattern", "alpha_pattern", "use_rslora", "lora_bias"}) {
    if (const auto other = json.Find(key); other && !IsEmpty(*other))
      Refuse(*other, "no PEFT has had this together with enable_lora");
  }
  return enable;
}

// PEFT writes alphas that are whole numbers as integers.
Json NumberToJson(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

}  // namespace

PeftConfig ReadPeftConfig(const std::string& path) {
  const Json json = ReadRecordedJson(path);
  const Json type = json.At("peft_type");
  if (type.AsString() != "LORA") {
    throw UserError(fmt::format("{} found '{}'; expected LORA; only LoRA adapters are read",
                                type.Where(), type.AsString()));
  }
  RefuseUnsupported(json);
  PeftConfig config;
  if (const auto rank = json.Find("r")) config.rank = ReadRank(*rank);
  if (const auto alpha = json.Find("lora_alpha")) config.alpha = alpha->AsDouble();
  if (const auto dropout = json.Find("lora_dropout")) config.dropout = dropout->AsDouble();
  if (!(config.dropout >= 0 && config.dropout <= 1)) {
    throw UserError(fmt::format("[{}: lora_dropout] found {}; expected 0 to 1; correct the file",
                                path, config.dropout));
  }
  config.enable = ReadEnable(json);
  if (const auto bias = json.Find("lora_bias")) config.lora_bias = bias->AsBool();
  if (const auto stabilized = json.Find("use_rslora"))
    config.rank_stabilized = stabilized->AsBool();
  if (const auto tying = json.Find("ensure_weight_tying"))
    config.ensure_weight_tying = tying->AsBool();
  if (const auto bias = json.Find("bias")) {
    const auto mode = Parse<PeftBias>(bias->AsString());
    if (!mode) {
      throw UserError(fmt::format("{} found '{}'; expected {}; correct the file", bias->Where(),
                                  bias->AsString(), OneOfWords(WordsOf<PeftBias>())));
    }
    config.bias = *mode;
  }
  if (const auto base = json.Find("base_model_name_or_path")) config.base_name = base->AsString();
  config.targets = ReadTargets(json);
  config.rank_of = ReadPattern<int64_t>(json, "rank_pattern", config.rank, ReadRank);
  config.alpha_of = ReadPattern<double>(json, "alpha_pattern", config.alpha,
                                        [](const Json& alpha) { return alpha.AsDouble(); });
  return config;
}

std::string ReadAdapterBaseName(const std::string& folder) {
  const Json json =
      ReadRecordedJson((std::filesystem::path(folder) / "adapter_config.json").string());
  const auto base = json.Find("base_model_name_or_path");
  return base ? base->AsString() : "";
}

Json PeftConfigToJson(const PeftConfigValues& values) {
  Json json = Json::Object();
  Json alpha_pattern = Json::Object();
  for (const auto& [name, alpha] : values.alpha_pattern)
    alpha_pattern.Set(name, NumberToJson(alpha));
  Json rank_pattern = Json::Object();
  for (const auto& [name, rank] : values.rank_pattern) rank_pattern.Set(name, rank);
  Json targets = Json::Array();
  for (const std::string& name : values.target_modules) targets.Append(name);
  json.Set("alpha_pattern", alpha_pattern);
  json.Set("auto_mapping", Json());
  json.Set("base_model_name_or_path", values.base_name);
  json.Set("bias", Name(values.bias));
  json.Set("fan_in_fan_out", false);
  json.Set("inference_mode", true);
  json.Set("init_lora_weights", true);
  json.Set("layers_pattern", Json());
  json.Set("layers_to_transform", Json());
  json.Set("loftq_config", Json::Object());
  json.Set("lora_alpha", NumberToJson(values.settings.alpha));
  // The key is absent unless it is needed, because PEFT before 0.14 does not know it.
  if (values.lora_bias) json.Set("lora_bias", true);
  json.Set("lora_dropout", values.settings.dropout);
  json.Set("megatron_config", Json());
  json.Set("megatron_core", "megatron.core");
  json.Set("modules_to_save", Json());
  json.Set("peft_type", "LORA");
  json.Set("r", values.rank);
  json.Set("rank_pattern", rank_pattern);
  json.Set("revision", Json());
  json.Set("target_modules", targets);
  json.Set("task_type", values.causal ? "CAUSAL_LM" : "FEATURE_EXTRACTION");
  json.Set("use_dora", false);
  json.Set("use_rslora", values.settings.rank_stabilized);
  return json;
}

}  // namespace lacos
