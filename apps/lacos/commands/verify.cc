// `lacos verify`: checks all sizes and hashes of a folder that lacos wrote, and of its checkpoints.
// With --known it compares a model with public facts about a published BLOOM.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands/commands.h"
#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/io/manifest.h"
#include "lacos/io/paths.h"
#include "lacos/model/known_models.h"
#include "lacos/record/run_record.h"
#include "lacos/train/run/checkpoint.h"
#include "terminal/output.h"

namespace lacos::cli {
namespace {

std::string NameOf(const CheckedCheckpoint& checkpoint) {
  return std::filesystem::path(checkpoint.folder).filename().string();
}

Json ProblemsJson(const std::vector<VerifyProblem>& problems) {
  Json list = Json::Array();
  for (const VerifyProblem& problem : problems) {
    Json entry = Json::Object();
    entry.Set("file", problem.file);
    entry.Set("found", problem.found);
    entry.Set("expected", problem.expected);
    if (!problem.tensors.empty()) {
      Json tensors = Json::Array();
      for (const std::string& tensor : problem.tensors) tensors.Append(tensor);
      entry.Set("tensors", tensors);
    }
    list.Append(entry);
  }
  return list;
}

void PrintProblems(const std::string& prefix, const std::vector<VerifyProblem>& problems) {
  for (const VerifyProblem& problem : problems) {
    Out().Write(fmt::format("{}{}: found {}; expected {}\n", prefix, problem.file, problem.found,
                            problem.expected));
    if (!problem.tensors.empty())
      Out().Write(fmt::format("  damaged tensors: {}\n", fmt::join(problem.tensors, ", ")));
  }
}

// The name of the checkpoint from which `train --resume` would continue, or nothing.
std::string UsableCheckpoint(const std::vector<CheckedCheckpoint>& checkpoints) {
  for (const CheckedCheckpoint& checkpoint : checkpoints) {
    if (checkpoint.problems.empty()) return NameOf(checkpoint);
  }
  return "";
}

void Verify(const GlobalOptions& globals, const std::string& folder) {
  const std::vector<CheckedCheckpoint> checkpoints = CheckCheckpoints(folder);
  const bool finished = HasManifest(folder);
  if (!finished && !FolderExists(folder)) {
    throw UserError(fmt::format(
        "[{}] is no folder; expected a folder that lacos wrote; check the path", folder));
  }
  const bool unfinished_run =
      !finished && (!checkpoints.empty() || FileExists(RunFileOfFolder(folder)));
  if (!finished && !unfinished_run && FileExists(folder + "/config.json")) {
    throw UserError(fmt::format(
        "[{}] has no lacos.json; expected a folder that lacos wrote; compare a published model with "
        "`lacos verify --known NAME --model {}`",
        folder, folder));
  }
  std::vector<VerifyProblem> problems;
  if (!unfinished_run) problems = VerifyManifest(folder);
  const std::string usable = UsableCheckpoint(checkpoints);
  size_t count = problems.size();
  for (const CheckedCheckpoint& checkpoint : checkpoints) count += checkpoint.problems.size();

  if (globals.json) {
    Json report = Json::Object();
    report.Set("folder", folder);
    report.Set("ok", count == 0);
    report.Set("problems", ProblemsJson(problems));
    if (unfinished_run || !checkpoints.empty()) {
      Json list = Json::Array();
      for (const CheckedCheckpoint& checkpoint : checkpoints) {
        Json entry = Json::Object();
        entry.Set("name", NameOf(checkpoint));
        entry.Set("ok", checkpoint.problems.empty());
        entry.Set("problems", ProblemsJson(checkpoint.problems));
        list.Append(entry);
      }
      report.Set("finished", finished);
      report.Set("checkpoints", list);
      report.Set("resume", usable.empty() || finished ? Json() : Json(usable));
    }
    PrintJson(report);
  } else {
    PrintProblems("", problems);
    if (problems.empty() && !unfinished_run)
      Out().Write(fmt::format("{}: every file has the size and hash of the manifest\n", folder));
    for (const CheckedCheckpoint& checkpoint : checkpoints) {
      const std::string name = NameOf(checkpoint);
      if (checkpoint.problems.empty()) {
        Out().Write(fmt::format(
            "checkpoints/{}: every file has the size and hash of the manifest\n", name));
      }
      PrintProblems(fmt::format("checkpoints/{}/", name), checkpoint.problems);
    }
    if (unfinished_run) {
      Out().Write(usable.empty()
                      ? "not finished; --resume would start at step 0\n"
                      : fmt::format("not finished; --resume would go on from {}\n", usable));
    }
  }
  if (count == 0) return;
  Out().Flush();
  throw UserError(fmt::format(
      "[{}] {} of its files {} not as the manifest says; expected no difference; copy or make "
      "the folder again",
      folder, count, count == 1 ? "is" : "are"));
}

struct VerifyFlags {
  std::string folder, known, model;
};

void VerifyKnown(const GlobalOptions& globals, const std::string& name, const std::string& model) {
  const KnownModel& known =
      *std::find_if(KnownModels().begin(), KnownModels().end(),
                    [&](const KnownModel& candidate) { return candidate.name == name; });
  const std::vector<KnownFact> facts = CheckKnownModel(known, model);
  const auto different =
      std::count_if(facts.begin(), facts.end(), [](const KnownFact& fact) { return !fact.equal; });
  if (globals.json) {
    Json list = Json::Array();
    for (const KnownFact& fact : facts) {
      Json entry = Json::Object();
      entry.Set("what", fact.what);
      entry.Set("found", fact.found);
      entry.Set("expected", fact.expected);
      entry.Set("equal", fact.equal);
      list.Append(entry);
    }
    Json report = Json::Object();
    report.Set("model", model);
    report.Set("known", name);
    report.Set("equal", different == 0);
    report.Set("predictions_checked", !known.log_probabilities.empty());
    report.Set("facts", list);
    PrintJson(report);
  } else {
    for (const KnownFact& fact : facts) {
      Out().Write(fact.equal ? fmt::format("equal      {}: {}\n", fact.what, fact.found)
                             : fmt::format("different  {}: found {}; expected {}\n", fact.what,
                                           fact.found, fact.expected));
    }
    if (different == 0) {
      Out().Write(fmt::format(
          "{}: equal to what is publicly known of {}{}\n", model, name,
          known.log_probabilities.empty() ? ", of whose predictions nothing is known" : ""));
    }
  }
  if (different == 0) return;
  Out().Flush();
  throw UserError(fmt::format(
      "[{}] {} of {} facts about {} differ; expected none; check the name, or download the model "
      "again with `hf download bigscience/{}`",
      model, different, facts.size(), name, name));
}

}  // namespace

void AddVerifyCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "verify", "Check every size and hash of a folder that lacos wrote",
                 "lacos verify bloom-560m-int8");
  auto flags = std::make_shared<VerifyFlags>();
  command
      ->add_option("DIR", flags->folder,
                   "Folder with a lacos.json, or a training run's output, finished or not")
      ->type_name("");
  std::vector<std::string> names;
  for (const KnownModel& known : KnownModels()) names.emplace_back(known.name);
  OneOf(command->add_option("--known", flags->known,
                            "Compare --model with public facts about this model instead: its "
                            "shape, token ids, and for bloom-560m what it predicts"),
        names);
  command->add_option("--model", flags->model, "Model folder to compare; only with --known")
      ->type_name("DIR");
  OnRun(command, globals, [&globals, flags] {
    if (flags->known.empty()) {
      if (!flags->model.empty())
        FailUsage("--model", "is given without --known; expected both, or only DIR");
      if (flags->folder.empty()) FailUsage("DIR", "is not given; expected the folder to check");
      return Verify(globals, flags->folder);
    }
    if (!flags->folder.empty())
      FailUsage("DIR", "is given with --known; expected the folder as --model");
    if (flags->model.empty())
      FailUsage("--model", "is not given; expected the folder to compare with --known");
    VerifyKnown(globals, flags->known, flags->model);
  });
}

}  // namespace lacos::cli
