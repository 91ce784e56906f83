#include "lacos/formats/model_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "lacos/base/error.h"
#include "lacos/formats/folder_keys.h"
#include "lacos/formats/model_place.h"
#include "lacos/formats/peft_config.h"
#include "lacos/formats/sentence_transformers.h"
#include "lacos/formats/side_files.h"
#include "lacos/formats/tokenizer_files.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

bool HasFile(const fs::path& folder, const char* name) {
  return FileExists((folder / name).string());
}

// Reads the settings of a folder from the files of sentence-transformers and from lacos.json, which
// takes precedence. Returns the folder of the transformer.
fs::path ReadSettings(const fs::path& folder, ModelFolder& result) {
  if (!HasFile(folder, "modules.json")) return folder;
  SentenceTransformersFolder read = ReadSentenceTransformers(folder.string());
  EmbeddingSettings& settings = result.settings;
  settings = std::move(read.settings);
  result.tokenizer_overrides = std::move(read.tokenizer_overrides);
  result.warnings = std::move(read.warnings);
  if (HasFile(folder, "lacos.json")) {
    const Json json = Json::ReadFile((folder / "lacos.json").string());
    const auto kind = json.Find("kind");
    const bool trained = kind && kind->IsString() && kind->AsString() == "trained";
    // Training always writes this setting. If it were missing, the vectors could silently be
    // different ones.
    if (const auto strip = trained ? json.At("strip") : json.Find("strip"))
      settings.strip = strip->AsBool();
  }
  return read.transformer_path.empty() ? folder : folder / read.transformer_path;
}

// The path of the base that lacos.json names, or an empty path.
std::string BaseFromRecord(const fs::path& folder) {
  if (!HasFile(folder, "lacos.json")) return "";
  const std::string where = (folder / "lacos.json").string();
  const auto base = Json::ReadFile(where).Find("base");
  if (!base) return "";
  const std::string recorded = base->At("path").AsString();
  const fs::path path = fs::path(recorded).is_absolute() ? fs::path(recorded)
                                                         : (folder / recorded).lexically_normal();
  if (!HasFile(path, "config.json")) {
    throw UserError(fmt::format(
        "[{}: base.path] there is no BLOOM folder at {}; expected the base that the adapter was "
        "trained on; if it was moved, pass `base` with its new place",
        where, path.string()));
  }
  const std::string hash = base->At("config_sha256").AsString();
  if (FileSha256((path / "config.json").string()) != hash) {
    throw UserError(fmt::format(
        "[{}: base] {} has another config.json than the base that the adapter was trained on; "
        "expected sha256 {}; pass `base` with the right base, or with this one to use it anyway",
        where, path.string(), hash));
  }
  return path.string();
}

std::string FindBase(const fs::path& root, const fs::path& adapter) {
  if (const std::string base = BaseFromRecord(root); !base.empty()) return base;
  const std::string name = ReadAdapterBaseName(adapter.string());
  if (name.empty()) {
    throw UserError(fmt::format(
        "[{}] does not say which base it belongs to; expected base_model_name_or_path; pass "
        "`base` with the base's folder",
        (adapter / "adapter_config.json").string()));
  }
  for (const fs::path& candidate : {fs::path(name), root / name, adapter / name}) {
    if (!FolderExists(candidate.string())) continue;
    const fs::path place = FindModelPlace(candidate.string(), "the base's folder");
    if (HasFile(place, "config.json")) return place.lexically_normal().string();
  }
  const std::string advice = DownloadAdvice(name);
  throw UserError(fmt::format(
      "[{}: base_model_name_or_path] found '{}', which is no BLOOM folder on this machine; "
      "expected a folder with config.json; pass `base` with the base's folder{}{}",
      (adapter / "adapter_config.json").string(), name, advice.empty() ? "" : "; ", advice));
}

// The name that an adapter on this base should record: what quantize or init wrote, else the path
// of the folder.
std::string BaseName(const fs::path& base) {
  if (HasFile(base, "lacos.json")) {
    if (const auto name = Json::ReadFile((base / "lacos.json").string()).Find("base_name"))
      return name->AsString();
  }
  return AbsolutePath(base.string());
}

bool IsQuantized(const fs::path& base) {
  const Json config = Json::ReadFile((base / "config.json").string());
  // bitsandbytes writes the second key.
  return config.Find("quantization") || config.Find("quantization_config");
}

// Names the tokenizer files of an adapter that are not used although they may say something else.
void WarnAboutIdleTokenizer(ModelFolder& folder) {
  const fs::path adapter(folder.adapter_path), used(folder.tokenizer_path);
  if (folder.adapter_path.empty() || used.parent_path() == adapter) return;
  for (const std::string& name : TokenizerFileNames()) {
    const fs::path path = adapter / name;
    if (!FileExists(path.string())) continue;
    const fs::path same = used.parent_path() / name;
    if (FileExists(same.string()) && FileSha256(path.string()) == FileSha256(same.string()))
      continue;
    folder.warnings.push_back(fmt::format(
        "[{}] is not used, because the tokenizer of {} is; expected one tokenizer; if texts were "
        "encoded with the adapter's, put its tokenizer files into the base's folder",
        path.string(), used.parent_path().string()));
    return;
  }
}

// Reads the settings files beside the weights, the tokenizer and the adapter.
void ReadSideFiles(ModelFolder& folder) {
  const fs::path config_path = fs::path(folder.base_path) / "config.json";
  const Json config = ReadRecordedJson(config_path.string());
  CheckKeys(config, FolderFile::kConfig, folder.warnings);
  if (!folder.adapter_path.empty()) {
    const fs::path path = fs::path(folder.adapter_path) / "adapter_config.json";
    CheckKeys(ReadRecordedJson(path.string()), FolderFile::kAdapter, folder.warnings);
  }
  const fs::path place = fs::path(folder.tokenizer_path).parent_path();
  const TokenizerFiles files =
      ReadTokenizerFiles(place.string(), folder.tokenizer_overrides, folder.warnings);
  folder.tokenizer = files.options;
  if (!folder.settings.max_length) {
    folder.settings.max_length = files.max_length;
    // sentence-transformers bounds only a limit that comes from the tokenizer.
    if (const auto most = config.Find("max_position_embeddings");
        most && most->AsInt() != -1 && !folder.tokenizer_overrides.Has("model_max_length")) {
      if (most->AsInt() < 1) {
        throw UserError(fmt::format("{} found {}; expected at least 1; correct the file",
                                    most->Where(), most->AsInt()));
      }
      folder.settings.max_length =
          std::min(folder.settings.max_length.value_or(INT64_MAX), most->AsInt());
    }
  }
  WarnAboutIdleTokenizer(folder);
  if (files.has_chat_template && !HasFile(folder.path, "modules.json")) {
    folder.warnings.push_back(fmt::format(
        "[{}] has a chat template, into which sentence-transformers puts every text of a folder "
        "without modules.json; lacos encodes the texts themselves; add the template's text to the "
        "texts, or use a folder with modules.json",
        place.string()));
  }
}

std::string FindTokenizer(const fs::path& first, const fs::path& second) {
  for (const fs::path& folder : {first, second}) {
    if (HasFile(folder, "tokenizer.json")) return (folder / "tokenizer.json").string();
  }
  throw UserError(fmt::format(
      "[{}] has no tokenizer.json; expected the one that belongs to the model; copy it from the "
      "original BLOOM folder",
      second.string()));
}

// Finds the folders and files, without reading the settings beside them.
ModelFolder FindFolders(const std::string& given_path, const std::string& base,
                        const std::string& given_adapter) {
  const std::string path = FindModelPlace(given_path, "a model's folder");
  ModelFolder folder;
  folder.path = path;
  const fs::path transformer = ReadSettings(path, folder);

  if (HasFile(transformer, "adapter_config.json")) {
    if (!given_adapter.empty()) {
      throw UserError(fmt::format(
          "[{}] is an adapter already; expected a base with `adapter`; give the base as `model`",
          path));
    }
    folder.kind = ModelFolder::Kind::kTrained;
    folder.adapter_path = transformer.string();
    if (base.empty()) {
      folder.base_path = FindBase(path, transformer);
    } else {
      folder.base_path = FindModelPlace(base, "the base's folder");
    }
    folder.base_name = ReadAdapterBaseName(transformer.string());
    if (folder.base_name.empty()) folder.base_name = BaseName(folder.base_path);
    folder.tokenizer_path = FindTokenizer(transformer, folder.base_path);
    return folder;
  }

  if (!HasFile(transformer, "config.json")) {
    throw UserError(fmt::format(
        "[{}] has neither config.json nor adapter_config.json; expected a BLOOM folder, a "
        "quantized one or a trained one; check the path",
        transformer.string()));
  }
  if (!base.empty()) {
    throw UserError(fmt::format(
        "[{}] is a base itself; expected `base` only with a folder that holds an adapter; leave "
        "`base` out",
        path));
  }
  folder.base_path = transformer.string();
  folder.base_name = BaseName(transformer);
  folder.kind = IsQuantized(transformer)        ? ModelFolder::Kind::kQuantized
                : HasFile(path, "modules.json") ? ModelFolder::Kind::kTrained
                                                : ModelFolder::Kind::kOriginal;
  if (given_adapter.empty()) {
    folder.tokenizer_path = FindTokenizer(path, transformer);
    return folder;
  }
  const std::string adapter = FindModelPlace(given_adapter, "an adapter's folder");
  // A trained folder that is given as the adapter supplies its settings; the base that it names
  // is ignored.
  const fs::path adapter_transformer = ReadSettings(adapter, folder);
  if (!HasFile(adapter_transformer, "adapter_config.json")) {
    throw UserError(fmt::format(
        "[{}] has no adapter_config.json; expected a PEFT adapter's folder; check `adapter`",
        adapter));
  }
  folder.adapter_path = adapter_transformer.string();
  folder.tokenizer_path = HasFile(adapter, "modules.json")
                              ? FindTokenizer(adapter_transformer, folder.base_path)
                              : FindTokenizer(path, folder.base_path);
  return folder;
}

}  // namespace

ModelFolder OpenModelFolder(const std::string& path, const std::string& base,
                            const std::string& adapter) {
  ModelFolder folder = FindFolders(path, base, adapter);
  ReadSideFiles(folder);
  return folder;
}

}  // namespace lacos
