#include "lacos/eval/evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/data/training_texts.h"
#include "lacos/eval/results/evaluation_report.h"
#include "lacos/eval/results/overlap.h"
#include "lacos/eval/tasks/suite_tasks.h"

namespace lacos {
namespace {

constexpr int64_t kWorstPairs = 5;  // number of worst pairs of each set in the report

// Says what a user should know about the texts and the score of a set.
void TellAbout(const TaskResult& result, const TrainingTextSources& listener) {
  const std::string label = result.set.Label();
  if (result.truncated > 0) {
    listener.on_note(fmt::format("[{}] {} texts were longer than `max_length` and were truncated",
                                 label, result.truncated));
  }
  if (result.empty > 0) {
    listener.on_warning(
        fmt::format("[{}] {} texts have no tokens; their vectors are zero", label, result.empty));
  }
  if (result.set.task == "sts" &&
      (std::isnan(result.main()) || std::isnan(result.measures[1].value))) {
    listener.on_warning(fmt::format(
        "[{}] no correlation exists: the scores or the similarities of its {} pairs are constant, too "
        "few, or not finite",
        label, result.n));
  }
}

}  // namespace

EvaluationTasks MakeTasks(const EvaluationData& data, std::vector<std::string>& absent) {
  EvaluationTasks tasks;
  for (const std::string& path : data.files) {
    tasks.push_back(FileTask(data.task, path, data.options));
    for (const auto& [named, name] : data.names) tasks.back()->RenameFile(named, name);
  }
  if (data.suites.empty()) return tasks;
  const Suite suite = OpenSuite(data.suite_folder);
  for (const SuiteProblem& problem : VerifySuite(suite)) {
    throw UserError(fmt::format("[{}/{}] found {}; expected {}; prepare the suite again",
                                data.suite_folder, problem.path, problem.found, problem.expected));
  }
  tasks = SuiteTasks(suite, data.suites, data.options.classification,
                     data.options.keep_identical_ids, absent);
  if (!absent.empty() && (!data.skip_missing || tasks.empty())) {
    throw UserError(fmt::format(
        "[{}] the suite lacks {}; expected every set of {}; prepare it from more archives, or set "
        "`skip_missing` to score the others",
        data.suite_folder, fmt::join(absent, ", "), fmt::join(data.suites, ", ")));
  }
  return tasks;
}

void AddOverlap(const TrainingTextSources& sources, const EvaluationTasks& tasks,
                const TextTable& texts, EvaluationResults& results) {
  TrainingTexts trained;
  Json from = Json::Array();
  const std::string path =
      sources.adapter_path.empty() ? "" : sources.adapter_path + "/" + TrainingTexts::kFileName;
  if (!path.empty() && std::filesystem::exists(path)) {
    trained.Merge(TrainingTexts::Read(path));
    from.Append(path);
    if (trained.has_earlier_form()) {
      sources.on_warning(fmt::format(
          "[{}] an earlier version wrote these hashes without Unicode normalization; texts that "
          "differ in accented or capital letters may count as unseen; `leak_check` takes the "
          "training files themselves",
          path));
    }
  }
  for (const std::string& file : sources.files) {
    if (sources.check_cancel) sources.check_cancel();
    AddTrainingFile(file, sources.table, trained);
    const auto named = sources.names.find(file);
    from.Append(named == sources.names.end() ? file : named->second);
  }
  if (from.size() == 0) {
    if (!path.empty()) {
      sources.on_note(
          "the model's folder does not say what it was trained on; `leak_check` takes the files");
    }
    return;
  }
  const std::vector<Seen> seen = FindTexts(texts, trained);
  for (size_t i = 0; i < tasks.size(); ++i) {
    results.sets[i].overlap = FindOverlap(texts, seen, trained, tasks[i]->rows(), results.sets[i]);
  }
  Json about = Json::Object();
  about.Set("from", from);
  about.Set("texts", trained.texts());
  about.Set("pairs", trained.pairs());
  results.system.Set("training_texts", about);
}

EvaluationResults ScoreTasks(const EvaluationTasks& tasks, const MeasuredSystem& system,
                             Backend& backend, uint64_t seed, const ScoringProgress& progress) {
  EvaluationResults results;
  results.system = system.description;
  const EmbeddedTable& table = system.table;
  const auto report = [&](const std::string& now) {
    if (progress) progress(static_cast<int64_t>(results.sets.size()), now);
  };
  for (const auto& task : tasks) {
    const std::string label = task->name().Label();
    report(label);
    const auto on_search = [&](int64_t done, int64_t total) {
      report(fmt::format("{}: {:.0f} %", label,
                         100.0 * static_cast<double>(done) / static_cast<double>(total)));
    };
    TaskResult result = task->Score({.backend = backend,
                                     .vectors = table,
                                     .seed = seed,
                                     .similarity = system.similarity,
                                     .progress = on_search});
    result.notes = task->notes();
    result.notes.insert(result.notes.end(), task->warnings().begin(), task->warnings().end());
    for (const int64_t row : task->rows()) {
      result.truncated += table.is_truncated[static_cast<size_t>(row)] ? 1 : 0;
      result.empty += table.is_empty[static_cast<size_t>(row)] ? 1 : 0;
    }
    results.sets.push_back(std::move(result));
    report(label);
  }
  return results;
}

void CompleteResults(const TrainingTextSources& trained, const EvaluationTasks& tasks,
                     const TextTable& texts, const BootstrapOptions& bootstrap,
                     EvaluationResults& results) {
  AddOverlap(trained, tasks, texts, results);
  Summarize(results, bootstrap);
  FindWorstPairs(texts, kWorstPairs, results);
  for (const TaskResult& result : results.sets) TellAbout(result, trained);
  for (const std::string& line : UndefinedResamples(results, bootstrap.confidence))
    trained.on_warning(line);
}

void AddInputs(const EvaluationSources& sources, const EvaluationData& data, RunInputs& inputs) {
  inputs.SetNames(data.names);
  if (sources.model != nullptr) inputs.AddModel(*sources.model);
  if (!sources.embeddings.empty()) inputs.AddFile("embeddings", sources.embeddings);
  if (!sources.about.empty()) inputs.AddFile("about", sources.about);
  if (!data.suite_folder.empty()) inputs.AddFile("suite", data.suite_folder + "/suite.json");
  for (const std::string& path : data.files) {
    if (std::filesystem::is_regular_file(path)) inputs.AddFile("data", path);
  }
  for (const std::string& path : sources.leak_check) inputs.AddFile("leak_check", path);
  if (!data.options.train_data.empty()) inputs.AddFile("train_data", data.options.train_data);
}

}  // namespace lacos
