#include "lacos/formats/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/formats/model_card.h"
#include "lacos/formats/sentence_transformers.h"
#include "lacos/formats/side_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/text/byte_tokenizer.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// The folder inside the target in which the files are made. So the manifest covers only them, and
// not a training run's checkpoints beside them, and they appear together when they are renamed.
class StagingFolder {
 public:
  explicit StagingFolder(const fs::path& target)
      : target_(target), path_(target / ".lacos-tmp-export") {
    RemoveAll(path_.c_str());  // leftovers of a killed run
    std::error_code error;
    fs::create_directory(path_, error);
    if (error) Fail(path_, error);
  }
  ~StagingFolder() { RemoveAll(path_.c_str()); }
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;

  const fs::path& path() const { return path_; }

  // Moves every file to its place. The files in `last` come last, in order. Nothing takes the
  // folder for a model without the very last one, which is absent while files are being replaced.
  void Publish(const std::vector<std::string>& last) {
    std::error_code error;
    if (fs::remove(target_ / last.back(), error)) SyncPath(target_.string());
    if (error) Fail(target_ / last.back(), error);
    std::set<fs::path> folders = {target_};
    std::vector<std::string> files = ListFilesBelow(path_.string());
    for (const std::string& name : last) std::erase(files, name);
    for (const std::string& name : files) {
      Move(name);
      folders.insert((target_ / name).parent_path());
    }
    for (const fs::path& folder : folders) SyncPath(folder.string());
    for (const std::string& name : last) {
      Move(name);
      SyncPath(target_.string());
    }
  }

 private:
  void Move(const fs::path& name) {
    const fs::path to = target_ / name;
    std::error_code error;
    fs::create_directories(to.parent_path(), error);
    if (!error) fs::rename(path_ / name, to, error);
    if (error) Fail(to, error);
  }
  [[noreturn]] static void Fail(const fs::path& path, const std::error_code& error) {
    throw UserError(fmt::format(
        "[{}] could not be written: {}; expected a folder that can be written; check its rights "
        "and the free space",
        path.string(), error.message()));
  }

  fs::path target_, path_;
};

Json ModulesJson(bool normalize) {
  Json modules = Json::Array();
  const auto add = [&](const std::string& path, const std::string& kind) {
    const auto index = static_cast<int64_t>(modules.size());
    Json module = Json::Object();
    module.Set("idx", index);
    module.Set("name", std::to_string(index));
    module.Set("path", path);
    module.Set("type", "sentence_transformers.models." + kind);
    modules.Append(module);
  };
  add("", "Transformer");
  add("1_Pooling", "Pooling");
  if (normalize) add("2_Normalize", "Normalize");
  return modules;
}

Json PoolingJson(const ExportSettings& settings) {
  Json json = Json::Object();
  json.Set("word_embedding_dimension", settings.hidden_size);
  std::vector<PoolingNames> modes(kPoolingNames.begin(), kPoolingNames.end());
  std::ranges::sort(modes, {}, &PoolingNames::module_place);
  for (const PoolingNames& mode : modes) {
    json.Set(std::string(mode.module_key), mode.value == settings.pooling);
  }
  json.Set("include_prompt", settings.origin.pool_prompt);
  return json;
}

Json SentenceBertJson(const ExportSettings& settings) {
  Json json = Json::Object();
  json.Set("max_seq_length", settings.max_length);
  json.Set("do_lower_case", false);
  Json arguments = Json::Object();
  settings.tokenizer_args.ForEachItem([&](std::string_view key, const Json& value) {
    // It would override max_seq_length.
    if (key != "model_max_length") arguments.Set(std::string(key), value);
  });
  if (arguments.size() > 0) json.Set("tokenizer_args", arguments);
  return json;
}

Json SentenceTransformersJson(const EmbeddingSettings& origin) {
  Json prompts = Json::Object();
  for (const auto& [name, text] : origin.prompts) prompts.Set(name, text);
  Json json = Json::Object();
  json.Set("prompts", prompts);
  json.Set("default_prompt_name",
           origin.default_prompt_name.empty() ? Json() : Json(origin.default_prompt_name));
  json.Set("similarity_fn_name", Name(origin.similarity.value_or(Similarity::kCosine)));
  if (origin.truncate_dim) json.Set("truncate_dim", *origin.truncate_dim);
  return json;
}

// Writes the tokenizer's files. Without tokenizer_config.json transformers would not know the class
// and the padding token.
void WriteTokenizer(const std::string& from, const std::string& to) {
  CopyFiles(from, to, TokenizerFileNames());
  if (!fs::exists(fs::path(to) / "tokenizer.json")) {
    throw UserError(fmt::format(
        "[{}] has no tokenizer.json; expected the tokenizer that the model was trained with; copy "
        "it from the original BLOOM folder",
        from));
  }
  const fs::path config = fs::path(to) / "tokenizer_config.json";
  if (!fs::exists(config))
    WriteFileAtomically(config.string(), ByteTokenizerConfigJson().Dump(2) + "\n");
}

Json Record(const std::string& folder, const ExportSettings& settings) {
  Json base = Json::Object();
  base.Set("path", fs::relative(settings.base_folder, folder).string());
  base.Set("config_sha256", FileSha256((fs::path(settings.base_folder) / "config.json").string()));
  Json json = Json::Object();
  json.Set("lacos_version", kLacosVersion);
  json.Set("kind", "trained");
  json.Set("base", base);
  json.Set("base_name", settings.base_name);
  json.Set("strip", settings.strip);
  return json;
}

}  // namespace

void WriteSentenceTransformersFolder(const std::string& folder, const LoraAdapter& adapter,
                                     const ExportSettings& settings) {
  StagingFolder staging(folder);
  const std::string target = staging.path().string();
  const auto write = [&](const std::string& name, const Json& json) {
    const fs::path path = staging.path() / name;
    fs::create_directories(path.parent_path());
    WriteFileAtomically(path.string(), json.Dump(2) + "\n");
  };
  WriteLoraAdapter(adapter, target, settings.base_name);
  WriteTokenizer(settings.tokenizer_folder, target);
  write("modules.json", ModulesJson(settings.normalize));
  write("1_Pooling/config.json", PoolingJson(settings));
  // Normalize has no settings, but an empty file keeps the folder in version control.
  if (settings.normalize) write("2_Normalize/config.json", Json::Object());
  write("sentence_bert_config.json", SentenceBertJson(settings));
  write("config_sentence_transformers.json", SentenceTransformersJson(settings.origin));
  WriteFileAtomically((staging.path() / "README.md").string(), ModelCard(adapter, settings));
  for (const auto& [name, contents] : settings.more_files) {
    WriteFileAtomically((staging.path() / name).string(), contents);
  }
  WriteManifest(target, Record(folder, settings));
  staging.Publish({"lacos.json", "adapter_config.json"});
}

}  // namespace lacos
