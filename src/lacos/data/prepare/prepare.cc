#include "lacos/data/prepare/prepare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/hash.h"
#include "lacos/data/prepare/raw_format.h"
#include "lacos/data/task.h"
#include "lacos/io/archive.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/paths.h"
#include "lacos/record/run_record.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 64;  // how deep folders may be nested

// The regular files below `folder`, relative to it and sorted. Links are followed, and each folder
// is entered once.
class FileTree {
 public:
  explicit FileTree(const std::string& folder) {
    Enter(folder, "", 0);
    std::sort(files_.begin(), files_.end());
  }
  const std::vector<std::string>& files() const { return files_; }

 private:
  void Enter(const std::string& folder, const std::string& prefix, int depth) {
    std::error_code error;
    const std::string canonical = fs::weakly_canonical(folder, error).string();
    if (depth > kMaxDepth || !entered_.insert(canonical).second) return;
    // The names are sorted first, because the choice between two paths to a folder must not depend
    // on the order of the directory.
    std::vector<std::string> names;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      names.push_back(it->path().filename().string());
    }
    if (error) {
      throw UserError(
          fmt::format("[{}] could not be listed: {}; expected a readable folder; check the path",
                      folder, error.message()));
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (name.starts_with('.')) continue;  // .git, unfinished downloads and macOS's ._ files
      const std::string path = folder + "/" + name;
      if (FileExists(path)) {
        files_.push_back(prefix + name);
      } else if (FolderExists(path)) {
        Enter(path, prefix + name + "/", depth + 1);
      }
    }
  }

  std::vector<std::string> files_;
  std::set<std::string> entered_;
};

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

RawFormat* FormatFor(const std::vector<std::unique_ptr<RawFormat>>& formats,
                     const std::string& name) {
  const std::vector<std::string> parts = LowerParts(name);
  if (parts.empty()) return nullptr;
  for (const auto& format : formats) {
    if (format->Wants(parts)) return format.get();
  }
  return nullptr;
}

}  // namespace

std::vector<std::unique_ptr<RawFormat>> MakeRawFormats() {
  std::vector<std::unique_ptr<RawFormat>> formats;
  formats.push_back(MakeSemEvalFormat());
  formats.push_back(MakeScoredTsvFormat());
  formats.push_back(MakeStsTableFormat());
  formats.push_back(MakeLabelledLinesFormat());
  formats.push_back(MakePolarityFilesFormat());
  formats.push_back(MakeStackOverflowFormat());
  formats.push_back(MakeTatoebaFormat());
  formats.push_back(MakeMsrParaphraseFormat());
  formats.push_back(MakeXquadFormat());
  return formats;
}

std::string RecognizedOnly(const std::vector<std::string>& parts) {
  const std::string& file = parts.back();
  const std::string folder = parts.size() > 1 ? parts[parts.size() - 2] : "";
  if (file == "allnli.tsv") return "training data (AllNLI): give it to 'lacos train' as it is";
  if (file == "sts-mt.csv" || file == "sts-other.csv")
    return "the STS benchmark's companion, no set of its own";
  if (file.starts_with("sts.input.") && folder.find("train") != std::string::npos) {
    return "training pairs of STS12";
  }
  if (file == "sts.input.smt.txt") return "STS13's SMT, whose texts are not distributed";
  if (file.starts_with("stsa.") && file.find("phrases") != std::string::npos)
    return "SST's phrases, for training";
  return "";
}

const std::vector<std::string>& SuiteTaskNames() {
  static const std::vector<std::string> kTasks = WordsOf<lacos::Task>();
  return kTasks;
}

PrepareReport PrepareSuite(const PrepareOptions& options) {
  for (const std::string& task : options.only) {
    const auto& tasks = SuiteTaskNames();
    if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) {
      throw UserError(fmt::format("[`only`] found the task '{}'; expected some of {}; correct it",
                                  task, fmt::join(tasks, ", ")));
    }
  }
  const std::string from = WithoutSlash(options.from);
  const bool is_file = FileExists(from);
  if (!is_file && !FolderExists(from)) {
    throw UserError(fmt::format(
        "[{}] does not exist; expected a folder of downloaded test sets, or one archive; check the path",
        from));
  }
  RefuseExisting(options.to, options.writing.overwrite);
  const std::string root = is_file ? fs::path(from).parent_path().string() : from;
  const std::vector<std::string> names =
      is_file ? std::vector<std::string>{fs::path(from).filename().string()}
              : FileTree(from).files();

  AtomicFolder folder(options.to, options.writing.overwrite);
  SuiteWriter writer(folder.temporary(),
                     {.only = options.only, .allow_changed_texts = options.allow_changed_texts});
  auto formats = MakeRawFormats();
  std::erase_if(formats, [&](const auto& format) { return !writer.WantsTask(format->Task()); });
  PrepareReport report;
  std::vector<PrepareNote> recognized;
  UnpackCounts counts;
  std::vector<std::string> used;  // raw files that contributed to the suite
  int64_t seen = 0;
  std::string current;
  const size_t prefix = root.empty() ? 0 : root == "/" ? 1 : root.size() + 1;
  const UnpackOptions unpack{.wants =
                                 [&](const std::string& shown) {
                                   const std::string name = shown.substr(prefix);
                                   options.writing.Report({.done = seen++, .now = name});
                                   if (FormatFor(formats, name) != nullptr) return true;
                                   const std::string what = RecognizedOnly(LowerParts(name));
                                   if (!what.empty())
                                     recognized.push_back({shown, "not converted: " + what, 0});
                                   return false;
                                 },
                             .visit =
                                 [&](const std::string& shown, std::string bytes) {
                                   const std::string name = shown.substr(prefix);
                                   if (used.empty() || used.back() != current)
                                     used.push_back(current);
                                   std::string hash = Sha256Hex(bytes);
                                   FormatFor(formats, name)
                                       ->Add({.name = name,
                                              .shown = shown,
                                              .bytes = std::move(bytes),
                                              .sha256 = std::move(hash)},
                                             writer);
                                 }};
  for (const std::string& name : names) {
    const std::string path = root.empty() ? name : root == "/" ? "/" + name : root + "/" + name;
    current = path;
    VisitFile(path, path, unpack, counts);
  }
  for (const auto& format : formats) format->Finish(writer);
  if (writer.sets().empty()) {
    throw UserError(fmt::format(
        "[{}] holds no test set that lacos knows among its {} files; expected some of those of "
        "docs/data.md; check "
        "the path and `only`",
        from, counts.files));
  }
  writer.Finish();
  report.sets = writer.sets();
  report.absent = writer.Absent();
  report.notes = writer.notes();
  report.notes.insert(report.notes.end(), recognized.begin(), recognized.end());
  report.files = counts.files;
  report.skipped_members = counts.skipped;
  if (!report.absent.empty() && !options.allow_incomplete) return report;
  const auto add_inputs = [&](RunInputs& inputs) {
    for (const std::string& path : used) inputs.AddFile("raw", path);
  };
  Json manifest = Json::Object();
  manifest.Set("kind", "suite");
  CommitFolder(folder, options.writing, {.inputs = add_inputs}, manifest);
  report.written = true;
  return report;
}

}  // namespace lacos
