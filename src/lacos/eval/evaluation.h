// The parts of an evaluation that do not depend on what gives the vectors: its tasks, and the texts
// that a model was trained on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/data/rows.h"
#include "lacos/eval/results/results.h"
#include "lacos/eval/tasks/file_tasks.h"

namespace lacos {

using EvaluationTasks = std::vector<std::unique_ptr<EvaluationTask>>;

// What is measured: a task on files, or published test sets in a folder that `lacos data prepare`
// made.
struct EvaluationData {
  std::string task = "sts";
  std::vector<std::string> files;
  FileTaskOptions options;  // of files; its classification also holds for suites
  std::vector<std::string> suites;
  std::string suite_folder;
  bool skip_missing = false;  // score what the suite has
};

// The tasks on all files or on a suite's sets, in their order. `absent` names the sets that the
// suite lacks. Throws UserError for damaged files, and for absent sets without `skip_missing`.
EvaluationTasks MakeTasks(const EvaluationData& data, std::vector<std::string>& absent);

// Where the texts are that a model was trained on.
struct TrainingTextSources {
  std::string adapter_path;        // a folder of `lacos train`, which remembers them, or ""
  std::vector<std::string> files;  // files that the model was trained on
  TableOptions table;              // how they are read
  std::function<void()> check_cancel;
  // Receive what a user should hear.
  std::function<void(const std::string&)> on_warning, on_note;
};

// Looks the test texts up among the training texts. Fills the overlap of each set, and
// "training_texts" of results.system; does nothing if no source is known.
void AddOverlap(const TrainingTextSources& sources, const EvaluationTasks& tasks,
                const TextTable& texts, EvaluationResults& results);

}  // namespace lacos
