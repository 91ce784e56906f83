#include "lacos/sweep/run_cell.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/base/version.h"
#include "lacos/eval/embed_table.h"
#include "lacos/eval/results/results.h"
#include "lacos/eval/tasks/file_tasks.h"
#include "lacos/eval/tasks/suite_tasks.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/folder.h"
#include "lacos/io/json_numbers.h"
#include "lacos/io/manifest.h"
#include "lacos/io/tensor_file.h"
#include "lacos/model/sentence_encoder.h"
#include "lacos/record/run_record.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// Thrown to unwind through code that has no way to report a stop. It is not an error.
struct Stopped {};

// Records how many examples and distinct tokens training read.
class ExampleCounter final : public TrainObserver {
 public:
  void OnStart(const TrainingData& data, const MemoryPlan&, int64_t, int64_t) override {
    examples_ = data.examples();
    tokens_ = data.distinct_tokens();
  }
  int64_t examples() const { return examples_; }
  int64_t distinct_tokens() const { return tokens_; }

 private:
  int64_t examples_ = 0, tokens_ = 0;
};

class Runner {
 public:
  Runner(const SweepRecipe& recipe, const CellRun& run, std::string folder)
      : recipe_(recipe), run_(run), folder_(std::move(folder)), model_(folder_ + "/model") {}

  void Run() {
    Json& json = record_;
    json.Set("cell", run_.cell.name);
    json.Set("seed", run_.seed);
    json.Set("trained", run_.cell.trained);
    json.Set("identity", run_.identity);
    json.Set("lacos_version", kLacosVersion);
    json.Set("settings", SettingsJson(run_.cell.settings));
    json.Set("base_layers", run_.base.layers);
    json.Set("base_parameters", run_.base.parameters);
    json.Set("base_bytes", run_.base.bytes);
    json.Set("relative_error", run_.base.relative_error);
    if (run_.cell.trained) Train();
    Score();
    WriteFileAtomically(folder_ + "/cell.json", json.Dump(2) + "\n");
    if (!run_.keep_model) RemoveAll(model_.c_str());
  }

 private:
  bool ShouldStop() const { return run_.should_stop && run_.should_stop(); }

  void Train() {
    TrainOptions options = MakeCellTrainOptions(run_.cell.settings, run_.seed, run_.base.path,
                                                recipe_.data.at(run_.cell.settings.data));
    options.run.output = model_;
    options.device = run_.device;
    ExampleCounter counter;
    const TrainReport report = lacos::Train(options, {&counter}, [this] { return ShouldStop(); });
    if (report.interrupted) throw Stopped();
    Json json = Json::Object();
    json.Set("examples", counter.examples());
    json.Set("distinct_tokens", counter.distinct_tokens());
    json.Set("steps", report.steps);
    json.Set("bad_steps", report.bad_steps);
    json.Set("tokens", report.tokens);
    json.Set("truncated", report.truncated);
    json.Set("loss_first", NumberOrNull(report.loss_first));
    json.Set("loss_last", NumberOrNull(report.loss_last));
    json.Set("strategy", report.strategy);
    json.Set("planned_peak_bytes", report.planned_peak_bytes);
    json.Set("peak_rss_bytes", ReadMemoryUse().peak_rss_bytes);
    json.Set("seconds", report.seconds);
    json.Set("tokens_per_second",
             report.seconds > 0 ? static_cast<double>(report.tokens) / report.seconds : 0);
    record_.Set("train", json);
    const std::string adapter = model_ + "/adapter_model.safetensors";
    int64_t parameters = 0, bytes = 0;
    const auto file = OpenTensorFile(adapter);
    for (const TensorEntry& entry : file->tensors()) {
      parameters += entry.Elements();
      bytes += entry.bytes;
    }
    record_.Set("trainable_parameters", parameters);
    record_.Set("adapter_bytes", bytes);
  }

  void Score() {
    std::vector<std::unique_ptr<EvaluationTask>> tasks = EvaluationTasks(recipe_.evaluation);
    TextTable texts;
    for (const auto& task : tasks) task->Collect(texts);
    const TrainSettings& settings = run_.cell.settings.train;
    SentenceEncoder embedder({.path = run_.cell.trained ? model_ : run_.base.path,
                              .device = run_.device,
                              .compute = settings.compute,
                              .pooling = settings.pooling,
                              .normalize = settings.normalize,
                              .max_length = settings.max_length,
                              .strip = settings.strip});
    const Stopwatch watch;
    const EmbeddedTable table =
        EmbedTable(embedder, texts, {}, nullptr, [this](int64_t, int64_t, int64_t) {
          if (ShouldStop()) throw Stopped();
        });
    const double seconds = watch.Seconds();
    Json encode = Json::Object();
    const EncodeStatistics& statistics = table.statistics;
    encode.Set("texts", texts.size());
    encode.Set("tokens", statistics.tokens);
    encode.Set("truncated", std::ranges::count(table.is_truncated, true));
    encode.Set("empty", std::ranges::count(table.is_empty, true));
    encode.Set("seconds", seconds);
    encode.Set("tokens_per_second",
               static_cast<double>(statistics.tokens) / std::max(seconds, 1e-9));
    encode.Set("ms_per_text",
               1e3 * seconds / static_cast<double>(std::max<int64_t>(texts.size(), 1)));
    record_.Set("encode", encode);
    record_.Set("kernels", KernelsJson(embedder.backend().Describe()));

    EvaluationResults results;
    results.system.Set("cell", run_.cell.name);
    results.system.Set("seed", run_.seed);
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (ShouldStop()) throw Stopped();
      results.sets.push_back(tasks[i]->Score({.backend = embedder.backend(),
                                              .vectors = table,
                                              .seed = recipe_.evaluation.bootstrap.seed,
                                              .progress = [this](int64_t, int64_t) {
                                                if (ShouldStop()) throw Stopped();
                                              }}));
      RequireScore(results.sets.back());
    }
    Summarize(results, recipe_.evaluation.bootstrap);
    const double confidence = recipe_.evaluation.bootstrap.confidence;
    WriteFileAtomically(folder_ + "/results.json", ResultsJson(results, confidence).Dump(2) + "\n");
    WriteFileAtomically(folder_ + "/items.jsonl", ItemsJsonl(results));
  }

  static void RequireScore(const TaskResult& result) {
    if (result.main() == result.main()) return;
    throw UserError(fmt::format(
        "[{}] has no {}: its scores or cosines are constant, too few, or not finite; expected a number to "
        "compare; check the file and the learning rate",
        result.set.Label(), result.measures[0].name));
  }

  const SweepRecipe& recipe_;
  const CellRun& run_;
  std::string folder_, model_;
  Json record_ = Json::Object();
};

// Wraps the task of a file to give it the name and languages from the recipe.
class NamedTask final : public EvaluationTask {
 public:
  NamedTask(std::unique_ptr<EvaluationTask> task, TaskName name)
      : EvaluationTask(std::move(name)), task_(std::move(task)) {}
  void Collect(TextTable& texts) override { task_->Collect(texts); }
  TaskResult Score(const Scoring& scoring) const override {
    TaskResult result = task_->Score(scoring);
    result.set = name();
    return result;
  }

 private:
  std::unique_ptr<EvaluationTask> task_;
};

}  // namespace

std::vector<std::unique_ptr<EvaluationTask>> EvaluationTasks(const EvaluationRecipe& evaluation) {
  std::vector<std::unique_ptr<EvaluationTask>> tasks;
  for (const EvaluationFile& file : evaluation.files) {
    TaskName name{.task = file.task,
                  .name = file.name,
                  .subset = file.subset,
                  .split = file.split,
                  .languages = file.languages};
    auto task = FileTask(file.task, file.path, {.split = file.split});
    tasks.push_back(std::make_unique<NamedTask>(std::move(task), std::move(name)));
  }
  if (evaluation.suites.empty()) return tasks;
  const Suite suite = OpenSuite(evaluation.suite_folder);
  for (const SuiteProblem& problem : VerifySuite(suite)) {
    throw UserError(fmt::format("[{}/{}] found {}; expected {}; prepare the suite again",
                                evaluation.suite_folder, problem.path, problem.found,
                                problem.expected));
  }
  std::vector<std::string> absent;
  for (auto& task : SuiteTasks(suite, evaluation.suites, {}, /*keep_identical_ids=*/false, absent))
    tasks.push_back(std::move(task));
  if (!absent.empty()) {
    throw UserError(fmt::format(
        "[{}] the suite lacks {}; expected every set of {}; prepare it from more archives, or "
        "name other suites in the recipe",
        evaluation.suite_folder, fmt::join(absent, ", "), fmt::join(evaluation.suites, ", ")));
  }
  return tasks;
}

bool RunCell(const SweepRecipe& recipe, const CellRun& run) {
  std::error_code error;  // ignored: making the folder reports the failure
  fs::create_directories(fs::path(run.output).parent_path(), error);
  AtomicFolder folder(run.output, /*overwrite=*/true);
  try {
    Runner(recipe, run, folder.temporary()).Run();
  } catch (const Stopped&) {
    return false;
  }
  folder.Commit();
  return true;
}

}  // namespace lacos
