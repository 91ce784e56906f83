#include "lacos/train/run/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/nan.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "lacos/io/manifest.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"
#include "lacos/io/safetensors.h"
#include "lacos/io/temporary.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr char kStateFile[] = "state.safetensors";
constexpr char kProgressFile[] = "progress.json";
constexpr char kBestFolder[] = "best";
constexpr char kLatest[] = "latest";

fs::path CheckpointsOf(const std::string& output) { return fs::path(output) / "checkpoints"; }

// Visits values and optimizer state with one name each. Saving and loading use this list.
void ForEachSaved(
    const Optimizer& optimizer,
    const std::function<void(const std::string& name, const TensorView& view)>& visit) {
  for (const TrainableTensor& tensor : optimizer.tensors())
    visit("value." + tensor.name, tensor.value);
  optimizer.ForEachState(
      [&](const std::string& name, const TensorView& view) { visit("state." + name, view); });
}

std::vector<int64_t> Dimensions(const TensorView& view) {
  std::vector<int64_t> dims;
  for (int i = 0; i < view.shape.rank(); ++i) dims.push_back(view.shape[i]);
  return dims;
}

TensorHashes WriteState(const std::string& path, Backend& backend, const Optimizer& optimizer) {
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
  return writer.Finish();
}

void ReadState(const std::string& path, Backend& backend, Optimizer& optimizer) {
  const SafetensorsFile file(path);
  ForEachSaved(optimizer, [&](const std::string& name, const TensorView& view) {
    const TensorEntry* entry = file.Find(name);
    if (entry == nullptr || entry->dtype != view.dtype || entry->shape != Dimensions(view)) {
      throw UserError(fmt::format(
          "[{}] tensor '{}' is missing or of another shape or type; expected the state of this "
          "run; start again without `resume`",
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

// The evaluations in a JSON array. The correlation of constant scores is undefined, which is null
// in JSON.
Json EvaluationsFromJson(const Json& json) {
  Json evaluations = Json::Array();
  json.ForEachElement([&](const Json& saved) {
    Json evaluation = Json::Object();
    saved.ForEachItem([&](std::string_view key, const Json& value) {
      evaluation.Set(std::string(key), value.IsNull() ? Json(kNaN) : value);
    });
    evaluations.Append(evaluation);
  });
  return evaluations;
}

// A count in progress.json, which must be between `low` and `high`.
int64_t CountIn(const Json& json, const char* key, int64_t low, int64_t high) {
  const int64_t count = json.At(key).AsInt();
  if (count >= low && count <= high) return count;
  throw UserError(fmt::format("{} is {}; expected {} to {}; resume from another checkpoint",
                              json.At(key).Where(), count, low, high));
}

RunProgress ProgressFromJson(const Json& json) {
  constexpr int64_t kMost = int64_t{1} << 53;
  const int64_t step = CountIn(json, "step", 0, kMost);
  return {
      .step = step,
      .bad_steps = CountIn(json, "bad_steps", 0, step),
      .tokens = CountIn(json, "tokens", 0, kMost),
      .loss_first = json.At("loss_first").AsDouble(),
      .loss_last = json.At("loss_last").AsDouble(),
      .evaluations_without_improvement = CountIn(json, "evaluations_without_improvement", 0, kMost),
      .evaluations = EvaluationsFromJson(json.At("evaluations")),
      .best_step = CountIn(json, "best_step", -1, step)};
}

// A value for a message, in which hashes are shortened to their beginnings.
std::string Shortened(const Json& json) {
  const std::string text = json.Dump();
  const bool hash = json.IsString() && text.size() == 66;  // with its quotes
  return hash ? text.substr(0, 13) + "...\"" : text;
}

// Lists every value that differs, as "name: was x, now y", by the path of its name.
void ListDifferences(const std::string& name, const std::optional<Json>& saved,
                     const std::optional<Json>& now, std::vector<std::string>& differences) {
  if (saved && now && saved->IsObject() && now->IsObject()) {
    std::vector<std::string> keys = saved->Keys();
    for (const std::string& key : now->Keys()) {
      if (!saved->Has(key)) keys.push_back(key);
    }
    for (const std::string& key : keys) {
      ListDifferences(name.empty() ? key : name + " " + key, saved->Find(key), now->Find(key),
                      differences);
    }
    return;
  }
  if (saved && now && saved->IsArray() && now->IsArray() && saved->size() == now->size()) {
    for (size_t i = 0; i < saved->size(); ++i) {
      ListDifferences(fmt::format("{} {}", name, i + 1), (*saved)[i], (*now)[i], differences);
    }
    return;
  }
  const std::string before = saved ? Shortened(*saved) : "none",
                    after = now ? Shortened(*now) : "none";
  if (before != after)
    differences.push_back(fmt::format("{}: was {}, now {}", name, before, after));
}

// Reads the written files, from the disk as far as the kernel allows, and compares them with the
// hashes of the intended contents.
void RequireIntact(const std::string& temporary, const std::string& folder,
                   const TensorHashes& state) {
  const auto refuse = [&](const std::string& file) {
    throw UserError(fmt::format(
        "[{}] {} does not read back as it was written; expected a healthy disk; check it, or "
        "choose another `output`; earlier checkpoints are intact",
        folder, file));
  };
  const std::vector<VerifyProblem> problems = VerifyManifest(temporary, /*from_disk=*/true);
  if (!problems.empty()) refuse(problems[0].file);
  const SafetensorsFile file((fs::path(temporary) / kStateFile).string());
  for (const TensorEntry& entry : file.tensors()) {
    if (Sha256Hex(file.Data(entry)) != state.at(entry.name)) refuse(kStateFile);
  }
}

// Renames the folder to a hidden name before removing it, because a half-removed one would look
// damaged.
void RemoveCheckpoint(const fs::path& folder) {
  const std::string hidden = NameBeside(folder.string(), "tmp");
  if (std::rename(folder.c_str(), hidden.c_str()) == 0) RemoveAll(hidden.c_str());
}

}  // namespace

std::vector<fs::path> CheckpointFolders(const std::string& output) {
  std::vector<fs::path> folders;
  for (const FolderEntry& entry : ListFolder(CheckpointsOf(output).string())) {
    if (entry.name.starts_with("step-") && entry.is_folder)
      folders.push_back(CheckpointsOf(output) / entry.name);
  }
  std::sort(folders.begin(), folders.end(), [](const fs::path& a, const fs::path& b) {
    const std::string x = a.filename().string(), y = b.filename().string();
    return x.size() != y.size() ? x.size() > y.size() : x > y;
  });
  return folders;
}

std::string SaveCheckpoint(const std::string& output, Backend& backend, const Optimizer& optimizer,
                           const LoraAdapter& adapter, const std::optional<LoraAdapter>& best,
                           const RunProgress& progress, const Json& settings,
                           const std::string& base_name, int64_t keep) {
  const fs::path parent = CheckpointsOf(output);
  std::error_code error;
  if (fs::create_directories(parent, error)) SyncPath(output);
  if (error) {
    throw UserError(fmt::format(
        "[{}] could not create the folder: {}; expected a writable output; free space or choose "
        "another `output`",
        parent.string(), error.message()));
  }
  // So lines up to this step are never missing if the checkpoint exists.
  const std::string metrics = (fs::path(output) / "metrics.jsonl").string();
  if (FileExists(metrics)) SyncPath(metrics);
  const std::string name = fmt::format("step-{:06}", progress.step);
  const fs::path folder = parent / name;
  {
    AtomicFolder writing(folder.string(), /*overwrite=*/true);
    const fs::path temporary = writing.temporary();
    const TensorHashes state = WriteState((temporary / kStateFile).string(), backend, optimizer);
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
    WriteManifest(temporary.string(), extra, {{kStateFile, state}});
    writing.Sync();
    RequireIntact(temporary.string(), folder.string(), state);
    writing.Commit();
  }
  PointLatestAt(output, name);
  PruneCheckpoints(output, keep);
  return folder.string();
}

void PruneCheckpoints(const std::string& output, int64_t keep) {
  const std::vector<fs::path> folders = CheckpointFolders(output);
  const auto latest =
      std::find(folders.begin(), folders.end(), CheckpointsOf(output) / LatestCheckpoint(output));
  if (latest == folders.end()) return;
  for (auto it = folders.begin(); it != folders.end(); ++it) {
    if (it < latest || it - latest >= std::max<int64_t>(keep, 1)) RemoveCheckpoint(*it);
  }
}

void PointLatestAt(const std::string& output, const std::string& name) {
  const fs::path latest = CheckpointsOf(output) / kLatest;
  std::error_code error;
  if (!name.empty()) {
    const std::string text = name + "\n";
    const bool is_there = FileExists(latest.string()) && ReadFileToString(latest.string()) == text;
    if (!is_there) WriteFileAtomically(latest.string(), text);
  } else if (fs::remove(latest, error)) {
    SyncPath(latest.parent_path().string());
  }
}

std::string LatestCheckpoint(const std::string& output) {
  const fs::path latest = CheckpointsOf(output) / kLatest;
  if (!FileExists(latest.string())) return "";
  const std::string text = ReadFileToString(latest.string(), 4096);
  return text.substr(0, text.find('\n'));
}

std::vector<CheckedCheckpoint> CheckCheckpoints(const std::string& output) {
  std::vector<CheckedCheckpoint> checked;
  for (const fs::path& folder : CheckpointFolders(output)) {
    checked.push_back({.folder = folder.string(), .problems = {}});
    try {
      checked.back().problems = VerifyManifest(folder.string());
    } catch (const UserError& problem) {
      checked.back().problems.push_back(
          {"lacos.json", problem.what(), "a manifest that can be read", {}});
    }
  }
  return checked;
}

std::optional<std::string> FindCheckpoint(const std::string& output,
                                          std::vector<std::string>& messages) {
  for (const fs::path& folder : CheckpointFolders(output)) {
    try {
      const std::vector<VerifyProblem> problems = VerifyManifest(folder.string());
      if (problems.empty()) return folder.string();
      messages.push_back(fmt::format("checkpoint {} is damaged ({}: {}), trying an older one",
                                     folder.string(), problems[0].file, problems[0].found));
    } catch (const UserError& problem) {
      messages.push_back(fmt::format("checkpoint {} is damaged ({}), trying an older one",
                                     folder.string(), problem.what()));
    }
  }
  return std::nullopt;
}

namespace {

// The backend of a run with these settings. Those of the CPU do not name it.
std::string BackendOf(const Json& settings) {
  const auto backend = settings.Find("backend");
  return backend ? backend->AsString() : "cpu";
}

Json WithoutBackend(const Json& settings) {
  Json rest = Json::Object();
  settings.ForEachItem([&](std::string_view key, const Json& value) {
    if (key != "isa" && key != "backend" && key != "backend_facts")
      rest.Set(std::string(key), value);
  });
  return rest;
}

}  // namespace

LoadedRun LoadCheckpoint(const std::string& folder, Backend& backend, Optimizer& optimizer,
                         const BloomConfig& config, const Json& settings) {
  const Json json = Json::ReadFile((fs::path(folder) / kProgressFile).string());
  std::vector<std::string> differences;
  const Json before = json.At("settings");
  LoadedRun run;
  const std::string old_backend = BackendOf(before), new_backend = BackendOf(settings);
  if (old_backend == new_backend) {
    ListDifferences("", before, settings, differences);
  } else {
    // A run may go on on another device, but not with other settings.
    ListDifferences("", WithoutBackend(before), WithoutBackend(settings), differences);
    run.note = fmt::format(
        "the run began on {} and goes on on {}: their kernels round differently, so its result is that "
        "of neither alone",
        old_backend, new_backend);
  }
  if (!differences.empty()) {
    throw UserError(fmt::format(
        "[`resume`] the run in {} had other settings or data ({}); expected the same ones; repeat them, or "
        "start again with `overwrite`",
        folder, fmt::join(differences, "; ")));
  }
  run.progress = ProgressFromJson(json);
  ReadState((fs::path(folder) / kStateFile).string(), backend, optimizer);
  optimizer.set_steps(run.progress.step - run.progress.bad_steps);
  const fs::path best = fs::path(folder) / kBestFolder;
  if (fs::exists(best)) run.best = ReadLoraAdapter(best.string(), config);
  return run;
}

}  // namespace lacos
