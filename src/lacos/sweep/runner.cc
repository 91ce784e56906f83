#include "lacos/sweep/runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/base/version.h"
#include "lacos/data/shards.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "lacos/io/manifest.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"
#include "lacos/io/posix.h"
#include "lacos/io/temporary.h"
#include "lacos/record/run_record.h"
#include "lacos/sweep/summary.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// Part of every run's hash. It changes when a version of lacos gives other results
// for the same settings.
constexpr const char* kFormat = "lacos sweep 1";
constexpr const char* kRecipeCopy = "recipe.toml";
constexpr const char* kLockName = ".lacos-sweep";  // also marks a folder as that of a sweep

// Makes the output folder if necessary and locks it, because only one sweep may work in a folder at
// a time. The lock ends with the process. Throws UserError when the folder holds something else.
FileDescriptor LockOutput(const std::string& output) {
  std::error_code error;
  if (fs::exists(output, error) && !FileExists(output + "/" + kLockName) &&
      !FileExists(output + "/sweep.json") &&
      !(fs::is_directory(output, error) && fs::is_empty(output, error))) {
    throw UserError(fmt::format(
        "[{}] holds something else than a sweep; expected the folder of an earlier sweep, "
        "an empty one or none; choose another `output`",
        output));
  }
  fs::create_directory(output, error);
  const std::string path = output + "/" + kLockName;
  FileDescriptor lock(OpenFile(path, O_RDWR | O_CREAT, 0644));
  if (lock.get() < 0) ThrowSystemError(path, "be made");
  if (LockFile(lock.get()) == FileLock::kTaken) {
    throw UserError(fmt::format(
        "[{}] another process runs a sweep here; expected one at a time; wait for it, or choose "
        "another `output`",
        output));
  }
  return lock;
}

class SweepRunner {
 public:
  SweepRunner(const SweepRecipe& recipe, const SweepOptions& options)
      : recipe_(recipe),
        options_(options),
        grid_(MakeGrid(recipe)),
        bases_(recipe, options.output + "/bases"),
        identities_(recipe, bases_, options.device) {}

  Json Run() {
    const FileDescriptor lock = LockOutput(options_.output);
    const std::string text = ReadFileToString(recipe_.path);
    WriteFileAtomically((fs::path(options_.output) / kRecipeCopy).string(), text);
    RemoveLeftovers();
    NameStale();
    MakeRuns();
    Json sweep = SummarizeSweep(recipe_, grid_, finished_, failures_);
    Write(sweep);
    return sweep;
  }

 private:
  void Tell(const std::string& line) const {
    if (options_.message) options_.message(line);
  }

  // Removes unfinished results of a killed sweep, including those of cells that the recipe no
  // longer has.
  void RemoveLeftovers() const {
    RemoveLeftoversIn(options_.output + "/bases");
    for (const FolderEntry& cell : ListFolder(options_.output + "/cells")) {
      RemoveLeftoversIn(options_.output + "/cells/" + cell.name);
    }
  }

  // Reports the runs in the folder that are not part of the recipe.
  void NameStale() const {
    std::set<std::string> wanted;
    for (const Grid::Run& run : grid_.Runs(recipe_.seeds)) {
      wanted.insert(RunFolderOf("", grid_.cells[run.cell], run.seed));
    }
    std::vector<std::string> stale;
    for (const FolderEntry& cell : ListFolder(options_.output + "/cells")) {
      for (const FolderEntry& run : ListFolder(options_.output + "/cells/" + cell.name)) {
        const std::string name = "/cells/" + cell.name + "/" + run.name;
        if (run.is_folder && !IsTemporaryName(run.name) && !wanted.contains(name)) {
          stale.push_back(cell.name + "/" + run.name);
        }
      }
    }
    if (!stale.empty()) {
      Tell(fmt::format("kept, but not part of this recipe: {}", fmt::join(stale, ", ")));
    }
  }

  // Whether the folder contains the finished run with this identity.
  bool IsFinished(const std::string& folder, const std::string& identity,
                  const std::string& name) const {
    if (!FileExists(folder + "/cell.json")) return false;
    if (Json::ReadFile(folder + "/cell.json").At("identity").AsString() == identity) return true;
    Tell(
        fmt::format("{}: settings or files have changed since it was made: it is made anew", name));
    return false;
  }

  void MakeRuns() {
    const std::vector<Grid::Run> runs = grid_.Runs(recipe_.seeds);
    std::vector<Grid::Run> missing;
    for (const Grid::Run& run : runs) {
      const Cell& cell = grid_.cells[run.cell];
      const std::string folder = RunFolderOf(options_.output, cell, run.seed);
      if (IsFinished(folder, identities_.Of(cell, run.seed), NameOf(cell, run.seed))) {
        finished_.push_back({.cell = run.cell, .seed = run.seed, .folder = folder});
      } else {
        missing.push_back(run);
      }
    }
    if (!finished_.empty())
      Tell(fmt::format("{} of {} runs are there already", finished_.size(), runs.size()));
    for (size_t i = 0; i < missing.size(); ++i) {
      const Cell& cell = grid_.cells[missing[i].cell];
      options_.writing.Report({.done = static_cast<int64_t>(i),
                               .total = static_cast<int64_t>(missing.size()),
                               .now = NameOf(cell, missing[i].seed)});
      if (!failures_.contains(missing[i].cell)) Make(missing[i]);
    }
    if (const auto count = static_cast<int64_t>(missing.size()); count > 0)
      options_.writing.Report({.done = count, .total = count});
    OrderRuns();
  }

  void Make(const Grid::Run& run) {
    const Cell& cell = grid_.cells[run.cell];
    try {
      bases_.Prepare(cell.settings,
                     [this](const std::string& path) { Tell("making the base " + path); });
      options_.run(cell, run.seed, identities_.Of(cell, run.seed));
      finished_.push_back({.cell = run.cell,
                           .seed = run.seed,
                           .folder = RunFolderOf(options_.output, cell, run.seed)});
    } catch (const UserError& error) {
      const std::string what = fmt::format("[cell {}] {}", NameOf(cell, run.seed), error.what());
      if (!options_.keep_going) throw UserError(what);
      failures_[run.cell] = error.what();
      if (options_.warning) options_.warning(what);
    }
  }

  // Sorts the finished runs in the order of the recipe, whichever was finished first.
  void OrderRuns() {
    std::vector<FinishedRun> ordered;
    for (const Grid::Run& run : grid_.Runs(recipe_.seeds)) {
      for (const FinishedRun& finished : finished_) {
        if (finished.cell == run.cell && finished.seed == run.seed) ordered.push_back(finished);
      }
    }
    finished_ = std::move(ordered);
  }

  static std::string NameOf(const Cell& cell, uint64_t seed) {
    return cell.trained ? fmt::format("{}, seed {}", cell.name, seed) : cell.name;
  }

  void Write(const Json& sweep) const {
    const fs::path folder = options_.output;
    WriteFileAtomically((folder / "sweep.json").string(), sweep.Dump(2) + "\n");
    WriteFileAtomically((folder / "sweep.csv").string(), SweepCsv(sweep));
    const std::string run_path = RunFileOfFolder(options_.output);
    if (const auto record = MakeRunRecord(options_.writing,
                                          {.inputs = [this](RunInputs& inputs) { AddTo(inputs); }}))
      WriteRunFile(run_path, *record);
    const Json run = FileExists(run_path) ? Json::ReadFile(run_path) : Json();
    WriteFileAtomically((folder / "report.html").string(), SweepReportHtml(sweep, run));
    Json extra = Json::Object();
    extra.Set("lacos_version", kLacosVersion);
    extra.Set("kind", "sweep");
    // Bases are left out because they have manifests of their own and may be large, and the lock
    // file because it has no contents.
    WriteManifest(options_.output, extra, {}, options_.writing.check_cancel, {"bases", kLockName});
  }

  // Adds every file that the sweep reads.
  void AddTo(RunInputs& inputs) const {
    inputs.AddFile("recipe", recipe_.path);
    for (const auto& [name, path] : recipe_.bases) inputs.AddBase(path);
    for (const auto& [name, files] : recipe_.data) {
      for (const std::string& path : files) {
        for (const Shard& shard : ShardsOf(path)) inputs.AddFile("train", shard.path);
      }
    }
    for (const EvaluationFile& file : recipe_.evaluation.files) {
      if (FileExists(file.path)) inputs.AddFile("data", file.path);
    }
    if (!recipe_.evaluation.suite_folder.empty()) {
      inputs.AddFile("suite", recipe_.evaluation.suite_folder + "/suite.json");
    }
  }

  const SweepRecipe& recipe_;
  const SweepOptions& options_;
  Grid grid_;
  SweepBases bases_;
  RunIdentities identities_;
  std::vector<FinishedRun> finished_;
  std::map<size_t, std::string> failures_;
};

}  // namespace

const std::string& RunIdentities::FileHash(const std::string& path) {
  std::string& hash = files_[path];
  if (hash.empty()) hash = FileSha256(path);
  return hash;
}

const std::string& RunIdentities::EvaluationHash() {
  if (!evaluation_.empty()) return evaluation_;
  // The seed of the bootstrap is also the seed of clustering tasks.
  std::string text = fmt::format("{}\n", recipe_.evaluation.bootstrap.seed);
  for (const EvaluationFile& file : recipe_.evaluation.files) {
    text += fmt::format("{}\n{}\n{}\n{}\n{}\n", file.name, file.subset, file.task, file.split,
                        fmt::join(file.languages, ","));
    if (!FolderExists(file.path)) {
      text += FileHash(file.path) + "\n";
      continue;
    }
    for (const std::string& name : ListFilesBelow(file.path))
      text += name + FileHash(file.path + "/" + name) + "\n";
  }
  for (const std::string& suite : recipe_.evaluation.suites) text += suite + "\n";
  if (!recipe_.evaluation.suites.empty())
    text += FileHash(recipe_.evaluation.suite_folder + "/suite.json");
  evaluation_ = Sha256Hex(text);
  return evaluation_;
}

std::string RunIdentities::Of(const Cell& cell, uint64_t seed) {
  std::string text =
      fmt::format("{}\n{}\n{}\n", kFormat, bases_.Identity(cell.settings), EvaluationHash());
  if (device_.kind != DeviceKind::kCpu) text += std::string(Name(device_.kind)) + "\n";
  Json settings = Json::Object();
  SettingsJson(cell.settings).ForEachItem([&](std::string_view name, const Json& value) {
    // Runs of versions without this setting are those with its default.
    const bool is_default = cell.settings.train.label_scheme == LabelScheme::kAuto;
    if (name != "label_scheme" || !is_default) settings.Set(std::string(name), value);
  });
  if (!cell.trained) {
    for (const char* name : {"pooling", "normalize", "strip", "max_length", "compute"}) {
      text += settings.At(name).Dump() + "\n";
    }
    return Sha256Hex(text);
  }
  // The names of base and data are arbitrary labels in the recipe; only the
  // files behind them count.
  settings.Set("base", "");
  settings.Set("data", "");
  text += fmt::format("{}\n{}\n", settings.Dump(), seed);
  for (const std::string& path : recipe_.data.at(cell.settings.data)) {
    for (const Shard& shard : ShardsOf(path)) text += shard.split + FileHash(shard.path) + "\n";
  }
  return Sha256Hex(text);
}

std::string RunFolderOf(const std::string& output, const Cell& cell, uint64_t seed) {
  return fmt::format("{}/cells/{}/seed-{}", output, cell.folder, seed);
}

Json RunSweep(const SweepRecipe& recipe, const SweepOptions& options) {
  return SweepRunner(recipe, options).Run();
}

}  // namespace lacos
