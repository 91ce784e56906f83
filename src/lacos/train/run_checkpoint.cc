#include "lacos/train/run_checkpoint.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/manifest.h"
#include "lacos/io/safetensors.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr char kStateFile[] = "state.safetensors";
constexpr char kProgressFile[] = "progress.json";
constexpr char kBestFolder[] = "best";

// Values and optimizer state under one name each, listed once for saving and loading.
void ForEachSaved(const Optimizer& optimizer,
                  const std::function<void(const std::string& name, const TensorView& view)>& visit) {
  for (const TrainableTensor& tensor : optimizer.tensors()) visit("value." + tensor.name, tensor.value);
  optimizer.ForEachState(
      [&](const std::string& name, const TensorView& view) { visit("state." + name, view); });
}

std::vector<int64_t> Dimensions(const TensorView& view) {
  std::vector<int64_t> dims;
  for (int i = 0; i < view.shape.rank(); ++i) dims.push_back(view.shape[i]);
  return dims;
}

void WriteState(const std::string& path, Backend& backend, const Optimizer& optimizer) {
  SafetensorsWriter writer(path);
  std::map<std::string, TensorView> views;
  ForEachSaved(optimizer, [&](const std::string& name, const TensorView& view) {
    writer.Declare(name, view.dtype, Dimensions(view));
    views[name] = view;
  });
  std::vector<std::byte> bytes;
  for (const TensorEntry& entry : writer.Begin()) {
    bytes.resize(static_cast<size_t>(entry.bytes));
    backend.Download(views.at(entry.name), bytes);
    writer.Write(bytes);
  }
  writer.Finish();
}

void ReadState(const std::string& path, Backend& backend, Optimizer& optimizer) {
  const SafetensorsFile file(path);
  ForEachSaved(optimizer, [&](const std::string& name, const TensorView& view) {
    const TensorEntry* entry = file.Find(name);
    if (entry == nullptr || entry->dtype != view.dtype || entry->shape != Dimensions(view)) {
      throw UserError(
          fmt::format("[{}] tensor '{}' is missing or of another shape or type; expected the state of this "
                      "run; start again without --resume",
                      path, name));
    }
    backend.Upload(file.Data(*entry), view);
  });
}

Json ProgressToJson(const RunProgress& progress) {
  Json json = Json::Object();
  json.Set("step", progress.step);
  json.Set("bad_steps", progress.bad_steps);
  json.Set("tokens", progress.tokens);
  json.Set("loss_first", progress.loss_first);
  json.Set("loss_last", progress.loss_last);
  json.Set("evaluations_without_improvement", progress.evaluations_without_improvement);
  json.Set("evaluations", progress.evaluations);
  json.Set("best_step", progress.best_step);
  return json;
}

RunProgress ProgressFromJson(const Json& json) {
  return {.step = json.At("step").AsInt(),
          .bad_steps = json.At("bad_steps").AsInt(),
          .tokens = json.At("tokens").AsInt(),
          .loss_first = json.At("loss_first").AsDouble(),
          .loss_last = json.At("loss_last").AsDouble(),
          .evaluations_without_improvement = json.At("evaluations_without_improvement").AsInt(),
          .evaluations = json.At("evaluations"),
          .best_step = json.At("best_step").AsInt()};
}

// Every setting that is not the same in both, as "name: was x, now y".
std::vector<std::string> Differences(const Json& saved, const Json& now) {
  std::vector<std::string> differences;
  const auto text = [](const Json& json, const std::string& key) {
    return json.Has(key) ? json.At(key).Dump() : "absent";
  };
  std::vector<std::string> keys = saved.Keys();
  for (const std::string& key : now.Keys()) {
    if (!saved.Has(key)) keys.push_back(key);
  }
  for (const std::string& key : keys) {
    const std::string before = text(saved, key), after = text(now, key);
    if (before != after) differences.push_back(fmt::format("{}: was {}, now {}", key, before, after));
  }
  return differences;
}

// step-NNNNNN folders, newest first.
std::vector<fs::path> CheckpointFolders(const std::string& output) {
  std::vector<fs::path> folders;
  const fs::path parent = fs::path(output) / "checkpoints";
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end(), [](const fs::path& a, const fs::path& b) {
    const std::string x = a.filename().string(), y = b.filename().string();
    return x.size() != y.size() ? x.size() > y.size() : x > y;
  });
  return folders;
}

}  // namespace

std::string SaveCheckpoint(const std::string& output, Backend& backend, const Optimizer& optimizer,
                           const LoraAdapter& adapter, const std::optional<LoraAdapter>& best,
                           const RunProgress& progress, const Json& settings, const std::string& base_name,
                           int64_t keep) {
  const fs::path parent = fs::path(output) / "checkpoints";
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) {
    throw UserError(
        fmt::format("[{}] could not create the folder: {}; expected a writable output; free space or choose "
                    "another --output",
                    parent.string(), error.message()));
  }
  const std::string name = fmt::format("step-{:06}", progress.step);
  const fs::path folder = parent / name;
  {
    AtomicFolder writing(folder.string(), /*overwrite=*/true);
    const fs::path temporary = writing.temporary();
    WriteState((temporary / kStateFile).string(), backend, optimizer);
    WriteLoraAdapter(adapter, temporary.string(), base_name);
    if (best) {
      fs::create_directory(temporary / kBestFolder);
      WriteLoraAdapter(*best, (temporary / kBestFolder).string(), base_name);
    }
    Json json = ProgressToJson(progress);
    json.Set("settings", settings);
    WriteFileAtomically((temporary / kProgressFile).string(), json.Dump(2) + "\n");
    Json extra = Json::Object();
    extra.Set("kind", "checkpoint");
    WriteManifest(temporary.string(), extra);
    writing.Commit();
  }
  WriteFileAtomically((parent / "latest").string(), name + "\n");
  const std::vector<fs::path> folders = CheckpointFolders(output);
  for (size_t i = static_cast<size_t>(std::max<int64_t>(keep, 1)); i < folders.size(); ++i) {
    fs::remove_all(folders[i], error);
  }
  return folder.string();
}

std::optional<std::string> FindCheckpoint(const std::string& output, std::vector<std::string>& messages) {
  for (const fs::path& folder : CheckpointFolders(output)) {
    try {
      const std::vector<VerifyProblem> problems = VerifyManifest(folder.string());
      if (problems.empty()) return folder.string();
      messages.push_back(fmt::format("checkpoint {} is damaged ({}: {}), trying an older one",
                                     folder.string(), problems[0].file, problems[0].found));
    } catch (const UserError& problem) {
      messages.push_back(
          fmt::format("checkpoint {} is damaged ({}), trying an older one", folder.string(), problem.what()));
    }
  }
  return std::nullopt;
}

LoadedRun LoadCheckpoint(const std::string& folder, Backend& backend, Optimizer& optimizer,
                         const BloomConfig& config, const Json& settings) {
  const Json json = Json::ReadFile((fs::path(folder) / kProgressFile).string());
  const std::vector<std::string> differences = Differences(json.At("settings"), settings);
  if (!differences.empty()) {
    throw UserError(fmt::format(
        "[--resume] the run in {} had other settings ({}); expected the same ones; repeat them, or "
        "start again with --overwrite",
        folder, fmt::join(differences, "; ")));
  }
  ReadState((fs::path(folder) / kStateFile).string(), backend, optimizer);
  LoadedRun run{.progress = ProgressFromJson(json), .best = {}};
  optimizer.set_steps(run.progress.step - run.progress.bad_steps);
  const fs::path best = fs::path(folder) / kBestFolder;
  if (fs::exists(best)) run.best = ReadLoraAdapter(best.string(), config);
  return run;
}

}  // namespace lacos
