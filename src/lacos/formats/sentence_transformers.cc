#include "lacos/formats/sentence_transformers.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/formats/folder_keys.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

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

Pooling ReadPooling(const fs::path& path, SentenceTransformersFolder& result) {
  const Json json = ReadRecordedJson(path.string());
  CheckKeys(json, FolderFile::kPooling, result.warnings);
  EmbeddingSettings& settings = result.settings;
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

void CheckNormalize(const fs::path& path, SentenceTransformersFolder& result) {
  if (PathExists(path.string()))
    CheckKeys(ReadRecordedJson(path.string()), FolderFile::kNormalize, result.warnings);
}

// The settings of the Transformer module: those of the first file that is there and not empty.
Json ReadTransformerConfig(const fs::path& folder) {
  for (const char* kind :
       {"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"}) {
    const std::string path = (folder / fmt::format("sentence_{}_config.json", kind)).string();
    if (!PathExists(path)) continue;
    if (Json json = ReadRecordedJson(path); json.size() > 0) return json;
  }
  return Json::Object();
}

// The arguments under one of two names, of which the older one counts.
Json ReadArguments(const Json& json, const char* older, const char* newer, FolderFile file,
                   std::vector<std::string>& warnings) {
  auto arguments = json.Find(older);
  if (!arguments) arguments = json.Find(newer);
  if (!arguments) return Json::Object();
  CheckKeys(*arguments, file, warnings);
  return *arguments;
}

void ReadTransformer(const fs::path& folder, SentenceTransformersFolder& result) {
  const Json json = ReadTransformerConfig(folder);
  CheckKeys(json, FolderFile::kSentenceBert, result.warnings);
  ReadArguments(json, "model_args", "model_kwargs", FolderFile::kModelArgs, result.warnings);
  ReadArguments(json, "config_args", "config_kwargs", FolderFile::kConfigArgs, result.warnings);
  result.tokenizer_overrides = ReadArguments(json, "tokenizer_args", "processor_kwargs",
                                             FolderFile::kTokenizerArgs, result.warnings);
  const auto length = json.Find("max_seq_length");
  if (!length || result.tokenizer_overrides.Has("model_max_length")) return;
  if (length->AsInt() < 1) {
    throw UserError(fmt::format("{} found {}; expected at least 1; correct the file",
                                length->Where(), length->AsInt()));
  }
  result.settings.max_length = length->AsInt();
}

void ReadModelConfig(const fs::path& path, SentenceTransformersFolder& result) {
  if (!PathExists(path.string())) return;
  const Json json = ReadRecordedJson(path.string());
  CheckKeys(json, FolderFile::kSentenceTransformers, result.warnings);
  EmbeddingSettings& settings = result.settings;
  if (const auto dimensions = json.Find("truncate_dim")) {
    if (dimensions->AsInt() < 1) {
      throw UserError(fmt::format("{} found {}; expected at least 1; correct the file",
                                  dimensions->Where(), dimensions->AsInt()));
    }
    settings.truncate_dim = dimensions->AsInt();
  }
  if (const auto prompts = json.Find("prompts")) {
    prompts->ForEachItem([&](std::string_view name, const Json& text) {
      settings.prompts[std::string(name)] = text.IsNull() ? "" : text.AsString();
    });
  }
  if (const auto name = json.Find("default_prompt_name")) {
    settings.default_prompt_name = name->AsString();
    // sentence-transformers gives every model these two prompts, which are empty by default.
    if (settings.default_prompt_name == "query" || settings.default_prompt_name == "document")
      settings.prompts.emplace(settings.default_prompt_name, "");
    // An empty name means here that there is no default; sentence-transformers would use its prompt.
    if (settings.default_prompt_name.empty() ||
        !settings.prompts.contains(settings.default_prompt_name)) {
      throw UserError(
          fmt::format("{} found '{}'; expected the name of one of its prompts; correct the file",
                      name->Where(), name->AsString()));
    }
  }
  if (const auto name = json.Find("similarity_fn_name")) {
    settings.similarity = Parse<Similarity>(name->AsString());
    if (!settings.similarity) {
      throw UserError(fmt::format("{} found '{}'; expected {}; correct the file", name->Where(),
                                  name->AsString(), OneOfWords(WordsOf<Similarity>())));
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
  std::set<std::string> seen, names;
  for (size_t i = 0; i < modules.size(); ++i) {
    CheckKeys(modules[i], FolderFile::kModules, result.warnings);
    if (const auto name = modules[i].Find("name"); name && !names.insert(name->Dump()).second) {
      throw UserError(fmt::format(
          "{} found {} a second time; expected a name of its own for each module, because "
          "sentence-transformers keeps only one of them; correct the file",
          name->Where(), name->Dump()));
    }
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
      result.settings.pooling = ReadPooling(root / path / "config.json", result);
    if (kind == "Normalize") CheckNormalize(root / path / "config.json", result);
  }
  if (!seen.contains("Pooling")) {
    throw UserError(fmt::format(
        "[{}] names no Pooling module; expected Transformer and Pooling; check the folder",
        (root / "modules.json").string()));
  }
  result.settings.normalize = seen.contains("Normalize");
  ReadTransformer(root / result.transformer_path, result);
  ReadModelConfig(root / "config_sentence_transformers.json", result);
  return result;
}

}  // namespace lacos
