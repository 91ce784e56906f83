#include "lacos/convert/merge_source.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/formats/bloom_tensors.h"
#include "lacos/formats/model_place.h"
#include "lacos/formats/sentence_transformers.h"
#include "lacos/formats/side_files.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

bool HasFile(const fs::path& folder, const char* name) {
  return FileExists((folder / name).string());
}

// The value of `key` in the folder's lacos.json, or nothing.
std::optional<Json> Recorded(const fs::path& folder, const char* key) {
  if (!HasFile(folder, "lacos.json")) return std::nullopt;
  return Json::ReadFile((folder / "lacos.json").string()).Find(key);
}

// Takes modules.json and the settings beside it from `folder`, if it has a modules.json. Returns
// the folder of the transformer.
fs::path TakeModules(const std::string& folder, MergeSource& source) {
  if (!HasFile(folder, "modules.json")) return folder;
  SentenceTransformersFolder read = ReadSentenceTransformers(folder);
  source.modules_path = folder;
  source.transformer_subfolder = read.transformer_path;
  source.settings = std::move(read.settings);
  source.tokenizer_overrides = std::move(read.tokenizer_overrides);
  if (const auto strip = Recorded(folder, "strip")) source.settings.strip = strip->AsBool();
  return read.transformer_path.empty() ? fs::path(folder)
                                       : fs::path(folder) / read.transformer_path;
}

[[noreturn]] void RefuseQuantized(const MergeSource& source) {
  const auto name = Recorded(source.base_path, "base_name");
  throw UserError(fmt::format(
      "[{}] is quantized ({}); expected the original BLOOM folder, since codes would add their "
      "error to every weight; pass the original{} as `model`",
      source.base_path, Name(source.base_weights->quantization().scheme),
      name ? fmt::format(", which lacos.json says is '{}',", name->AsString()) : ""));
}

// If there is a README, adds a note about what the weights are, because the README was written for
// the base or the adapter.
void NoteInReadme(const MergeSource& source, const fs::path& target) {
  const fs::path path = target / "README.md";
  if (source.adapter.empty() || !HasFile(target, "README.md")) return;
  const auto name = [](const std::string& folder) {
    return fs::path(AbsolutePath(folder)).filename().string();
  };
  std::string text = ReadFileToString(path.string());
  if (!text.empty() && text.back() != '\n') text += '\n';
  text += fmt::format(
      "\n## Merged\n\nThe weights in this folder are those of `{}` with the adapter `{}` added (lacos {}): "
      "nothing else is needed to load them.\n",
      name(source.model), name(source.adapter), kLacosVersion);
  WriteFileAtomically(path.string(), text);
}

}  // namespace

MergeSource OpenMergeSource(const std::string& model, const std::string& adapter) {
  MergeSource source{
      .model = FindModelPlace(model, "an original BLOOM folder"),
      .adapter = adapter.empty() ? "" : FindModelPlace(adapter, "an adapter's folder")};
  const fs::path base = TakeModules(source.model, source);
  source.base_path = base.string();
  if (HasFile(base, "adapter_config.json")) {
    throw UserError(fmt::format(
        "[{}] is an adapter; expected the original BLOOM folder that it belongs to; pass the "
        "original as `model` and this folder as `adapter`",
        model));
  }
  source.base_weights = BaseWeights::Open(source.base_path);
  if (source.base_weights->quantization().scheme != QuantScheme::kNone) RefuseQuantized(source);
  const auto name = Recorded(base, "base_name");
  source.base_name = name ? name->AsString() : AbsolutePath(source.base_path);
  if (adapter.empty()) return source;

  const fs::path adapter_path = TakeModules(source.adapter, source);
  if (!HasFile(adapter_path, "adapter_config.json")) {
    throw UserError(fmt::format(
        "[{}] has no adapter_config.json; expected a PEFT adapter's folder; check `adapter`",
        adapter));
  }
  source.adapter_path = adapter_path.string();
  source.values = ReadLoraAdapter(source.adapter_path, source.base_weights->config());
  if (const auto& heads = source.values.left_out_heads; !heads.empty()) {
    source.warnings.push_back(HeadsNote(source.adapter_path, heads) +
                              "; the merged model has the heads of the original");
  }
  return source;
}

void RefuseAsOutput(const std::string& output, const MergeSource& source, bool overwrite) {
  CheckOutput(output,
              {.overwrite = overwrite,
               .inputs = {source.model, source.base_path, source.adapter, source.adapter_path}});
}

WorkRecord MergeRecord(const std::string& model, const std::string& adapter) {
  return {.inputs = [=](RunInputs& inputs) {
    inputs.AddBase(model);
    if (!adapter.empty()) inputs.AddAdapter(adapter);
  }};
}

std::string MergedTokenizerPath(const MergeSource& source) {
  const bool trained = !source.adapter.empty() && source.modules_path == source.adapter;
  for (const std::string& folder :
       {trained ? source.adapter_path : source.base_path, source.base_path}) {
    if (HasFile(folder, "tokenizer.json")) return (fs::path(folder) / "tokenizer.json").string();
  }
  return "";
}

void CopyMergedSideFiles(const MergeSource& source, const std::string& target) {
  const fs::path transformer = fs::path(target) / source.transformer_subfolder;
  std::error_code error;  // an error shows when a file is written there
  fs::create_directories(transformer, error);
  std::vector<std::string> transformer_files = TokenizerFileNames();
  transformer_files.emplace_back("sentence_bert_config.json");

  CopyFiles(source.base_path, transformer.string(), {"config.json", "generation_config.json"});
  if (source.adapter.empty() || source.modules_path != source.adapter) {
    CopySideFiles(source.model, target);
    if (!source.transformer_subfolder.empty()) {
      CopyFiles(source.base_path, transformer.string(), transformer_files);
    }
  } else {
    // A trained model has settings of its own. If the base is a sentence-transformers model too,
    // its settings do not apply.
    CopyFiles(source.model, target, {"LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE"});
    const std::string tokenizer = MergedTokenizerPath(source);
    if (!tokenizer.empty()) {
      CopyFiles(fs::path(tokenizer).parent_path().string(), transformer.string(),
                TokenizerFileNames());
    }
    CopySideFiles(source.adapter, target);
    if (!source.transformer_subfolder.empty()) {
      CopyFiles(source.adapter_path, transformer.string(), {"sentence_bert_config.json"});
    }
  }
  NoteInReadme(source, target);
}

}  // namespace lacos
