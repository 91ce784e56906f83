#include "lacos/eval/evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "lacos/base/error.h"
#include "lacos/data/training_texts.h"
#include "lacos/eval/results/overlap.h"
#include "lacos/eval/tasks/suite_tasks.h"

namespace lacos {

EvaluationTasks MakeTasks(const EvaluationData& data, std::vector<std::string>& absent) {
  EvaluationTasks tasks;
  for (const std::string& path : data.files)
    tasks.push_back(FileTask(data.task, path, data.options));
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
    from.Append(file);
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

}  // namespace lacos
