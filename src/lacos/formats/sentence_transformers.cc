#include "lacos/formats/sentence_transformers.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// A tokenizer without a limit of its own has 10^30 as its limit.
constexpr double kNoLimit = 1e6;

// The kind of a module, such as "Transformer" for "sentence_transformers.models.Transformer".
// Modules of other packages are refused.
std::string ModuleKind(const Json& type) {
  const std::string name = type.AsString();
  const std::string kind = name.substr(name.rfind('.') + 1);
  const bool known = kind == "Transformer" || kind == "Pooling" || kind == "Normalize";
  if (known && name.starts_with("sentence_transformers.")) return kind;
  throw UserError(fmt::format(
      "{} found '{}'; expected a Transformer, a Pooling and perhaps a Normalize module of "
      "sentence-transformers; lacos computes no other modules",
      type.Where(), name));
}

std::string ModulePath(const Json& module) {
  const Json path = module.At("path");
  if (const std::string name = path.AsString(); !name.empty() && !StaysInside(name)) {
    throw UserError(
        fmt::format("{} found '{}'; expected a folder inside this one; correct the file",
                    path.Where(), path.AsString()));
  }
  return path.AsString();
}

Pooling ReadPooling(const fs::path& path, EmbeddingSettings& settings) {
  const Json json = ReadRecordedJson(path.string());
  if (const auto include = json.Find("include_prompt")) settings.pool_prompt = include->AsBool();
  std::vector<Pooling> active;
  if (const auto mode = json.Find("pooling_mode")) {
    const auto add = [&](const Json& value) {
      const PoolingNames* names = kPoolingNames.Find(value.AsString(), &PoolingNames::module_word);
      if (names != nullptr) return active.push_back(names->value);
      std::vector<std::string> expected;
      for (const PoolingNames& known : kPoolingNames) expected.emplace_back(known.module_word);
      throw UserError(fmt::format("{} found '{}'; expected {}; correct the file", value.Where(),
                                  value.AsString(), OneOfWords(expected)));
    };
    if (mode->IsArray()) {
      mode->ForEachElement(add);
    } else {
      add(*mode);
    }
  } else {
    for (const PoolingNames& names : kPoolingNames) {
      if (const auto flag = json.Find(names.module_key); flag && flag->AsBool())
        active.push_back(names.value);
    }
    if (active.empty()) active.push_back(Pooling::kMean);  // the default of sentence-transformers
  }
  if (active.size() != 1) {
    throw UserError(fmt::format(
        "[{}] asks for {} pooling modes; expected one; lacos does not concatenate poolings",
        path.string(), active.size()));
  }
  return active.front();
}

// Refuses settings of a Transformer module (since 5.4) with which it would compute something other
// than the hidden states of a text.
void RefuseOtherTasks(const Json& json) {
  const auto refuse = [](const Json& value, const char* expected) {
    throw UserError(
        fmt::format("{} found {}; expected {}; lacos computes the hidden states of texts only",
                    value.Where(), value.Dump(), expected));
  };
  if (const auto task = json.Find("transformer_task");
      task && task->AsString() != "feature-extraction")
    refuse(*task, "feature-extraction");
  for (const char* key :
       {"processing_kwargs", "query_expansion", "query_length", "document_length"}) {
    const auto value = json.Find(key);
    if (value && !((value->IsObject() || value->IsArray()) && value->size() == 0))
      refuse(*value, "null");
  }
}

void ReadMaxLength(const fs::path& folder, EmbeddingSettings& settings) {
  const fs::path path = folder / "sentence_bert_config.json";
  if (PathExists(path.string())) {
    const Json json = ReadRecordedJson(path.string());
    RefuseOtherTasks(json);
    if (const auto lower = json.Find("do_lower_case"); lower && lower->AsBool()) {
      throw UserError(fmt::format(
          "{} is true; expected false; lacos does not change the case of texts", lower->Where()));
    }
    if (const auto length = json.Find("max_seq_length")) {
      if (length->AsInt() < 1) {
        throw UserError(fmt::format("{} found {}; expected at least 1; correct the file",
                                    length->Where(), length->AsInt()));
      }
      settings.max_length = length->AsInt();
      return;
    }
  }
  const fs::path tokenizer = folder / "tokenizer_config.json";
  if (!PathExists(tokenizer.string())) return;
  const auto length = ReadRecordedJson(tokenizer.string()).Find("model_max_length");
  if (!length || !length->IsNumber()) return;
  if (length->AsDouble() >= 1 && length->AsDouble() < kNoLimit) {
    settings.max_length = static_cast<int64_t>(length->AsDouble());
  }
}

void ReadPromptsAndVersion(const fs::path& path, EmbeddingSettings& settings) {
  if (!PathExists(path.string())) return;
  const Json json = ReadRecordedJson(path.string());
  if (const auto prompts = json.Find("prompts")) {
    prompts->ForEachItem([&](std::string_view name, const Json& text) {
      settings.prompts[std::string(name)] = text.IsNull() ? "" : text.AsString();
    });
  }
  if (const auto name = json.Find("default_prompt_name")) {
    settings.default_prompt_name = name->AsString();
    if (!settings.prompts.contains(settings.default_prompt_name)) {
      throw UserError(
          fmt::format("{} found '{}'; expected the name of one of its prompts; correct the file",
                      name->Where(), name->AsString()));
    }
  }
  // Before version 5.4 sentence-transformers stripped whitespace from both ends of a text before
  // tokenizing (5.3.0 does, 5.4.0 does not).
  if (const auto versions = json.Find("__version__"); versions && versions->IsObject()) {
    const auto version = versions->Find("sentence_transformers");
    if (!version) return;
    const std::string text = version->AsString();
    int major = 0, minor = 0;
    const char* const end = text.data() + text.size();
    const auto [dot, error] = std::from_chars(text.data(), end, major);
    if (error != std::errc()) return;
    if (dot != end && *dot == '.') std::from_chars(dot + 1, end, minor);
    settings.strip = major < 5 || (major == 5 && minor < 4);
  }
}

}  // namespace

SentenceTransformersFolder ReadSentenceTransformers(const std::string& folder) {
  const fs::path root(folder);
  const Json modules = ReadRecordedJson((root / "modules.json").string());
  SentenceTransformersFolder result;
  std::set<std::string> seen;
  for (size_t i = 0; i < modules.size(); ++i) {
    const Json type = modules[i].At("type");
    const std::string kind = ModuleKind(type);
    const bool in_order = kind == "Transformer" ? seen.empty()
                          : kind == "Pooling"
                              ? seen.contains("Transformer") && !seen.contains("Normalize")
                              : seen.contains("Pooling");
    if (!in_order || !seen.insert(kind).second) {
      throw UserError(fmt::format(
          "{} found {} out of place; expected Transformer, Pooling and perhaps Normalize, once "
          "each and in this order; lacos computes no other pipeline",
          type.Where(), kind));
    }
    const std::string path = ModulePath(modules[i]);
    if (kind == "Transformer") result.transformer_path = path;
    if (kind == "Pooling")
      result.settings.pooling = ReadPooling(root / path / "config.json", result.settings);
  }
  if (!seen.contains("Pooling")) {
    throw UserError(fmt::format(
        "[{}] names no Pooling module; expected Transformer and Pooling; check the folder",
        (root / "modules.json").string()));
  }
  result.settings.normalize = seen.contains("Normalize");
  ReadMaxLength(root / result.transformer_path, result.settings);
  ReadPromptsAndVersion(root / "config_sentence_transformers.json", result.settings);
  return result;
}

}  // namespace lacos
