#include "lacos/record/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "lacos/base/error.h"
#include "lacos/formats/base_weights.h"
#include "lacos/formats/sentence_transformers.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargeFile = 64'000'000;

// The hash in the manifest of the file's folder, if that lists the file with this size.
std::optional<std::string> HashByManifest(const fs::path& path, int64_t bytes) {
  const fs::path manifest = path.parent_path() / "lacos.json";
  try {
    if (!FileExists(manifest.string())) return std::nullopt;
    const auto files = Json::ReadFile(manifest.string()).Find("files");
    if (!files || !files->IsObject()) return std::nullopt;
    const auto entry = files->Find(path.filename().string());
    if (!entry || entry->At("bytes").AsInt() != bytes) return std::nullopt;
    return entry->At("sha256").AsString();
  } catch (const UserError&) {  // this is another kind of manifest, so the file itself is hashed
    return std::nullopt;
  }
}

std::string Describe(const Json& input) {
  const auto hash = input.Find("sha256");
  return hash ? fmt::format("sha256 {:.16}", hash->AsString())
              : fmt::format("{} bytes", input.At("bytes").AsInt());
}

// Whether two inputs are equal as far as is known: by hash if both have one, otherwise by size.
bool Same(const Json& a, const Json& b) {
  const auto x = a.Find("sha256"), y = b.Find("sha256");
  if (x && y) return x->AsString() == y->AsString();
  return a.At("bytes").AsInt() == b.At("bytes").AsInt();
}

std::map<std::string, std::vector<Json>> ByRole(const Json& inputs) {
  std::map<std::string, std::vector<Json>> roles;
  inputs.ForEachElement(
      [&](const Json& input) { roles[input.At("role").AsString()].push_back(input); });
  return roles;
}

}  // namespace

void RunInputs::AddFile(const std::string& role, const std::string& path) {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  const std::string name = error ? path : canonical.string();
  if (std::find(seen_.begin(), seen_.end(), name) != seen_.end()) return;
  seen_.push_back(name);
  const auto bytes = static_cast<int64_t>(fs::file_size(path, error));
  if (error) {
    throw UserError(fmt::format("[{}] could not be read: {}; expected a file; check the path", path,
                                error.message()));
  }
  Json input = Json::Object();
  input.Set("role", role);
  const auto named = names_.find(path);
  input.Set("path", named == names_.end() ? path : named->second);
  input.Set("bytes", bytes);
  const auto recorded = HashByManifest(path, bytes);
  if (recorded) {
    input.Set("sha256", *recorded);
    input.Set("hash_from", "manifest");
  } else if (bytes < kLargeFile || bytes <= hashed_bytes_left_) {
    hashed_bytes_left_ -= bytes;
    input.Set("sha256", FileSha256(path, between_));
    input.Set("hash_from", "contents");
  } else {
    input.Set("sha256", Json());
    input.Set("hash_from", Json());
  }
  list_.Append(input);
}

void RunInputs::AddPresent(const std::string& role, const std::string& folder,
                           const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string path = (fs::path(folder) / name).string();
    if (FileExists(path)) AddFile(role, path);
  }
}

std::string RunInputs::AddSettings(const std::string& folder, const char* marker) {
  const auto has = [&](const char* name) { return FileExists((fs::path(folder) / name).string()); };
  AddPresent("settings", folder,
             {"modules.json", "config_sentence_transformers.json", "1_Pooling/config.json"});
  std::string place = folder;
  if (!has(marker) && has("modules.json")) {
    place = (fs::path(folder) / ReadSentenceTransformers(folder).transformer_path).string();
  }
  AddPresent("settings", place, {"sentence_bert_config.json"});
  return place;
}

void RunInputs::AddBase(const std::string& folder) {
  const std::string place = AddSettings(folder, "config.json");
  AddPresent("base", place, {"config.json"});
  const auto base_weights = BaseWeights::Open(place);
  for (const auto& file : base_weights->files()) AddFile("base", file->path());
  AddPresent("tokenizer", place, {"tokenizer.json"});
}

void RunInputs::AddAdapter(const std::string& folder) {
  const std::string place = AddSettings(folder, "adapter_config.json");
  AddPresent("adapter", place,
             {"adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"});
}

void RunInputs::AddModel(const ModelFolder& folder) {
  AddSettings(folder.path, folder.adapter_path.empty() ? "config.json" : "adapter_config.json");
  AddPresent("base", folder.base_path, {"config.json"});
  const auto base_weights = BaseWeights::Open(folder.base_path);
  for (const auto& file : base_weights->files()) AddFile("base", file->path());
  AddFile("tokenizer", folder.tokenizer_path);
  if (!folder.adapter_path.empty()) AddAdapter(folder.adapter_path);
}

std::vector<std::string> InputDifferences(const Json& before, const Json& now) {
  std::vector<std::string> differences;
  const auto old_roles = ByRole(before), new_roles = ByRole(now);
  for (const auto& [role, old_inputs] : old_roles) {
    const auto found = new_roles.find(role);
    const size_t count = found == new_roles.end() ? 0 : found->second.size();
    if (count != old_inputs.size()) {
      differences.push_back(
          fmt::format("{}: {} files then, {} now", role, old_inputs.size(), count));
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      const Json &a = old_inputs[i], &b = found->second[i];
      if (Same(a, b)) continue;
      differences.push_back(fmt::format("{} {}: {} then, {} now", role, b.At("path").AsString(),
                                        Describe(a), Describe(b)));
    }
  }
  for (const auto& [role, inputs] : new_roles) {
    if (!old_roles.count(role))
      differences.push_back(fmt::format("{}: none then, {} files now", role, inputs.size()));
  }
  return differences;
}

}  // namespace lacos
