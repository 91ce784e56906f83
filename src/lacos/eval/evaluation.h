// The steps of an evaluation, for the program and the library: its tasks, the scores of a system's
// vectors, the texts that a model was trained on, and the inputs for run.json.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lacos/data/rows.h"
#include "lacos/eval/measured_system.h"
#include "lacos/eval/results/results.h"
#include "lacos/eval/tasks/file_tasks.h"
#include "lacos/formats/model_folder.h"
#include "lacos/record/inputs.h"

namespace lacos {

using EvaluationTasks = std::vector<std::unique_ptr<EvaluationTask>>;

// What is measured: a task on files, or published test sets in a folder that `lacos data prepare`
// made.
struct EvaluationData {
  std::string task = "sts";
  std::vector<std::string> files;
  FileTaskOptions options;  // of files; its classification also holds for suites
  // What results and notes call files, by path, for files that a caller made for a moment. A row of
  // such a file is "NAME: row 3".
  std::map<std::string, std::string> names;
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
  std::map<std::string, std::string> names;  // see EvaluationData
  std::function<void()> check_cancel;
  // Receive what a user should hear.
  std::function<void(const std::string&)> on_warning, on_note;
};

// Looks the test texts up among the training texts. Fills the overlap of each set, and
// "training_texts" of results.system; does nothing if no source is known.
void AddOverlap(const TrainingTextSources& sources, const EvaluationTasks& tasks,
                const TextTable& texts, EvaluationResults& results);

// Receives the state of the scoring: the number of sets that are scored, and the current item.
using ScoringProgress = std::function<void(int64_t scored, const std::string& now)>;

// Scores the vectors on each task. `backend` computes, `seed` is that of clustering. `progress` may
// be empty, and may throw to end the work. Neither averages nor intervals are computed.
EvaluationResults ScoreTasks(const EvaluationTasks& tasks, const MeasuredSystem& system,
                             Backend& backend, uint64_t seed, const ScoringProgress& progress);

// Completes results with all that a report has: texts that were trained on, averages, intervals and
// the pairs that were judged worst. `trained` also receives what a user should hear of the scores.
void CompleteResults(const TrainingTextSources& trained, const EvaluationTasks& tasks,
                     const TextTable& texts, const BootstrapOptions& bootstrap,
                     EvaluationResults& results);

// What an evaluation reads besides its data. Empty paths are ignored.
struct EvaluationSources {
  const ModelFolder* model = nullptr;  // the model that embeds the texts; null if there is none
  std::string embeddings, about;
  std::vector<std::string> leak_check;
};
// Adds the files of an evaluation.
void AddInputs(const EvaluationSources& sources, const EvaluationData& data, RunInputs& inputs);

}  // namespace lacos
