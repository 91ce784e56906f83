// `lacos eval`: measures the vectors of a model or of any other system on the usual tasks.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "commands/commands.h"
#include "commands/eval/output.h"
#include "commands/eval/system.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/data/suite_families.h"
#include "lacos/data/task.h"
#include "lacos/eval/evaluation.h"
#include "lacos/eval/results/evaluation_report.h"
#include "lacos/eval/results/result_folders.h"
#include "lacos/eval/results/summary_json.h"
#include "lacos/eval/tasks/floors.h"
#include "lacos/io/atomic_file.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

constexpr int64_t kWorstPairs = 5;  // number of worst pairs of each set in the report

void CheckFlags(const EvalFlags& flags) {
  if (!flags.compare.empty()) return;
  const int systems = (flags.model.model.empty() ? 0 : 1) + (flags.embeddings.empty() ? 0 : 1) +
                      (flags.floor.empty() ? 0 : 1) + (flags.texts_output.empty() ? 0 : 1);
  if (systems != 1) {
    FailUsage(
        "--model",
        "name one of --model, --embeddings, --floor and --write-texts: what is to be measured");
  }
  if (!flags.about.empty() && flags.embeddings.empty()) {
    FailUsage("--about", "goes with --embeddings: what is said of a model is measured");
  }
  if (flags.data.empty() == flags.suites.empty()) {
    FailUsage("--data", "name either --data FILE... or --suite NAME with --suite-folder DIR");
  }
  if (!flags.suites.empty() && flags.suite_folder.empty()) {
    FailUsage("--suite-folder", "name the folder that `lacos data prepare` made");
  }
}

// The tasks are made before the model is opened, so that a damaged row is found at once.
EvaluationTasks TasksOf(const EvalFlags& flags) {
  std::vector<std::string> absent;
  EvaluationTasks tasks = MakeTasks({.task = flags.task,
                                     .files = flags.data,
                                     .options = {.table = flags.table.Options(),
                                                 .split = flags.split,
                                                 .train_data = flags.train_data,
                                                 .classification = flags.classification,
                                                 .keep_identical_ids = flags.keep_identical_ids},
                                     .suites = flags.suites,
                                     .suite_folder = flags.suite_folder,
                                     .skip_missing = flags.skip_missing},
                                    absent);
  if (!absent.empty()) spdlog::warn("not in the suite, left out: {}", fmt::join(absent, ", "));
  return tasks;
}

// Writes one JSON object per line, in the order in which --embeddings expects the vectors.
void WriteTexts(const std::string& path, const TextTable& texts) {
  static constexpr const char* kRoles[] = {"plain", "query", "document"};
  AtomicFile file(path);
  for (int64_t row = 0; row < texts.size(); ++row) {
    Json line = Json::Object();
    line.Set("text", texts.text(row));
    line.Set("role", kRoles[static_cast<size_t>(texts.role(row))]);
    file.WriteText(line.Dump() + "\n");
  }
  file.Commit();
}

// The record of an evaluation: its files and the model that embedded the texts. `system` is null
// for a comparison.
WorkRecord RecordOf(const EvalFlags& flags, System* system) {
  const SentenceEncoder* embedder = system == nullptr ? nullptr : system->embedder.get();
  WorkRecord work{.inputs = [&flags, embedder](RunInputs& inputs) {
    if (embedder != nullptr) inputs.AddModel(embedder->folder());
    if (!flags.embeddings.empty()) inputs.AddFile("embeddings", flags.embeddings);
    if (!flags.about.empty()) inputs.AddFile("about", flags.about);
    if (!flags.suite_folder.empty()) inputs.AddFile("suite", flags.suite_folder + "/suite.json");
    for (const std::string& path : flags.data) {
      if (std::filesystem::is_regular_file(path)) inputs.AddFile("data", path);
    }
    for (const std::string& path : flags.leak_check) inputs.AddFile("leak_check", path);
    if (!flags.train_data.empty()) inputs.AddFile("train_data", flags.train_data);
    for (const std::string& path : flags.compare)
      inputs.AddFile("compared", path + "/results.json");
  }};
  if (system != nullptr) work.kernels = [system] { return system->backend_in_use().Describe(); };
  return work;
}

void WarnAbout(const TaskResult& result) {
  const std::string label = result.set.Label();
  if (result.truncated > 0) {
    spdlog::info("[{}] {} texts were longer than --max-length and were truncated", label,
                 result.truncated);
  }
  if (result.empty > 0) {
    spdlog::warn("[{}] {} texts have no tokens; their vectors are zero", label, result.empty);
  }
  if (result.set.task == "sts" &&
      (std::isnan(result.main()) || std::isnan(result.measures[1].value))) {
    spdlog::warn(
        "[{}] no correlation exists: the scores or the similarities of its {} pairs are constant, too "
        "few, or not finite",
        label, result.n);
  }
}

void Compare(const GlobalOptions& globals, const EvalFlags& flags) {
  const EvaluationResults a = ReadResults(flags.compare[0], flags.bootstrap);
  const EvaluationResults b = ReadResults(flags.compare[1], flags.bootstrap);
  std::vector<std::string> apart;
  const std::vector<Comparison> comparisons =
      CompareResults(a, b, flags.bootstrap.confidence, apart);
  if (comparisons.empty()) {
    throw UserError(fmt::format(
        "[--compare] {} and {} have no set in common; expected two evaluations of the same "
        "data; evaluate both on it",
        flags.compare[0], flags.compare[1]));
  }
  if (!apart.empty())
    spdlog::warn("not compared, since only one has them or their items differ: {}",
                 fmt::join(apart, ", "));
  if (!flags.output.empty()) {
    WriteComparisonFolder(a, b, comparisons, apart, flags.bootstrap.confidence, flags.output,
                          MakeOutputOptions(globals, flags.output, flags.overwrite),
                          RecordOf(flags, nullptr));
  }
  if (globals.json) {
    PrintJson(ComparisonJson(comparisons, apart));
  } else {
    Out().Write(ComparisonTable(comparisons, flags.compare[0], flags.compare[1]));
  }
}

// The training texts that the model's folder and --leak-check name.
TrainingTextSources SourcesOf(const EvalFlags& flags, const System& system) {
  return {.adapter_path = system.embedder ? system.embedder->folder().adapter_path : "",
          .files = flags.leak_check,
          .table = flags.table.Options(),
          .check_cancel = CheckInterrupt,
          .on_warning = [](const std::string& line) { spdlog::warn("{}", line); },
          .on_note = [](const std::string& line) { spdlog::info("{}", line); }};
}

void Eval(const GlobalOptions& globals, EvalFlags flags) {
  CheckFlags(flags);
  flags.bootstrap.seed = flags.classification.seed = globals.seed;
  if (!flags.compare.empty()) return Compare(globals, flags);
  if (!flags.output.empty())
    CheckOutput(flags.output, {.overwrite = flags.overwrite, .inputs = {flags.model.model}});
  const EvaluationTasks tasks = TasksOf(flags);
  const auto is_retrieval = [](const auto& task) { return task->name().task == "retrieval"; };
  if (flags.keep_identical_ids && std::ranges::none_of(tasks, is_retrieval))
    FailUsage("--keep-identical-ids", "goes with retrieval; leave it out, or score retrieval too");
  TextTable texts;
  for (const auto& task : tasks) {
    task->Collect(texts);
    for (const std::string& note : task->notes()) spdlog::info("{}", note);
    for (const std::string& warning : task->warnings()) spdlog::warn("{}", warning);
  }
  if (!flags.texts_output.empty()) {
    RefuseExisting(flags.texts_output, flags.overwrite);
    return WriteTexts(flags.texts_output, texts);
  }

  PeakMemory memory;
  System system = MakeSystem(globals, flags, texts, memory);
  EvaluationResults results;
  results.system = system.description;
  Progress progress(
      globals, {.what = "scoring", .unit = "sets", .total = static_cast<int64_t>(tasks.size())});
  for (const auto& task : tasks) {
    const std::string label = task->name().Label();
    const auto on_search = [&](int64_t done, int64_t total) {
      CheckInterrupt();
      progress.Update(static_cast<int64_t>(results.sets.size()),
                      fmt::format("{}: {:.0f} %", label,
                                  100.0 * static_cast<double>(done) / static_cast<double>(total)));
    };
    CheckInterrupt();
    results.sets.push_back(task->Score({.backend = system.backend_in_use(),
                                        .vectors = system.table,
                                        .seed = globals.seed,
                                        .similarity = system.similarity,
                                        .progress = on_search}));
    results.sets.back().notes = task->notes();
    results.sets.back().notes.insert(results.sets.back().notes.end(), task->warnings().begin(),
                                     task->warnings().end());
    for (const int64_t row : task->rows()) {
      results.sets.back().truncated += system.table.is_truncated[static_cast<size_t>(row)] ? 1 : 0;
      results.sets.back().empty += system.table.is_empty[static_cast<size_t>(row)] ? 1 : 0;
    }
    progress.Update(static_cast<int64_t>(results.sets.size()), label);
    memory.Sample();
  }
  progress.Finish();
  AddOverlap(SourcesOf(flags, system), tasks, texts, results);
  Summarize(results, flags.bootstrap);
  FindWorstPairs(texts, kWorstPairs, results);
  for (const TaskResult& result : results.sets) WarnAbout(result);
  for (const std::string& line : UndefinedResamples(results, flags.bootstrap.confidence))
    spdlog::warn("{}", line);
  memory.AddTo(results.system);

  const double confidence = flags.bootstrap.confidence;
  if (!flags.output.empty()) {
    WriteResultsFolder(results, confidence, flags.output,
                       MakeOutputOptions(globals, flags.output, flags.overwrite),
                       RecordOf(flags, &system));
  }
  if (globals.json) {
    Json report = ResultsReport(results, confidence);
    memory.AddTo(report);
    PrintJson(report);
  } else {
    Out().Write(ResultTables(results, confidence));
  }
}

}  // namespace

void AddEvalCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "eval",
      "Measure vectors on similarity, retrieval, bitext, clusters, classes and pairs (x 100)",
      "lacos eval --model trained --suite sts-en --suite-folder suite --output results");
  AddDeviceOption(command, globals);
  auto flags = std::make_shared<EvalFlags>();
  AddModelOptions(command, flags->model);
  GetOption(command, "--model")->required(false);
  command
      ->add_option(
          "--embeddings", flags->embeddings,
          "Measure these vectors instead: an .npy file with a row for each text of --write-texts")
      ->type_name("FILE");
  command
      ->add_option(
          "--about", flags->about,
          "With --embeddings: a JSON object that says what made them, for reports: model (a name), "
          "parameters, "
          "memory_bytes, tokens, embed_seconds, ms_per_text, and anything else")
      ->type_name("FILE");
  command
      ->add_option(
          "--leak-check", flags->leak_check,
          "Files that the system was trained on (tables as `lacos train` takes them, or .txt with "
          "a text a line): test texts among them are reported, beside those that a folder of "
          "`lacos train` remembers")
      ->type_name("FILE");
  OneOf(command->add_option("--floor", flags->floor,
                            "Measure what counting words reaches, without a model"),
        WordsOf<Floor>());
  OneOf(command->add_option("--task", flags->task, "What is measured on --data"), WordsOf<Task>());
  command
      ->add_option(
          "--data", flags->data,
          "sts: scored pairs, with columns sentence1, sentence2, score or in one of the STS "
          "layouts without a header; pair_classification: with label; bitext: sentence1, "
          "sentence2; clustering, classification: text, label; retrieval: a folder in "
          "BEIR's layout")
      ->type_name("FILE");
  command
      ->add_option("--train-data", flags->train_data,
                   "classification: texts and labels to train on")
      ->type_name("FILE");
  command
      ->add_option("--suite", flags->suites,
                   fmt::format("Published test sets: {}", fmt::join(SuiteNames(), ", ")))
      ->type_name("NAME")
      ->delimiter(',');
  command
      ->add_option("--suite-folder", flags->suite_folder, "Folder that `lacos data prepare` made")
      ->type_name("DIR");
  command->add_flag("--skip-missing", flags->skip_missing,
                    "Score what the suite has, naming what it lacks");
  command
      ->add_option("--compare", flags->compare,
                   "Compare two --output folders on the same items instead")
      ->type_name("DIR")
      ->expected(2);
  command
      ->add_option(
          "--output", flags->output,
          "Keep the results: report.html, results.json, results.csv, items.jsonl, MTEB's files")
      ->type_name("DIR");
  AddOverwriteOption(command, flags->overwrite);
  command
      ->add_option(
          "--write-texts", flags->texts_output,
          "Only write the distinct texts as .jsonl, for another system to embed in this order")
      ->type_name("FILE");
  command->add_option("--cache", flags->cache, "Folder where vectors are kept between runs")
      ->type_name("DIR");
  command->add_option("--split", flags->split, "Rows that are used of a file with a column 'split'")
      ->type_name("NAME");
  command
      ->add_option("--shots", flags->classification.shots,
                   "classification: train on so many texts of each class, ten times; 0 = on all")
      ->type_name("N")
      ->check(IntegerIn(0, INT32_MAX));
  command->add_flag(
      "--keep-identical-ids", flags->keep_identical_ids,
      "retrieval: rank a document that has the query's id too; BEIR and MTEB leave it "
      "out of that query's ranking");
  command
      ->add_option("--resamples", flags->bootstrap.resamples,
                   "Resamples of the items behind each interval")
      ->type_name("N")
      ->check(IntegerIn(100, 1'000'000));
  command
      ->add_option("--confidence", flags->bootstrap.confidence,
                   "Share of resamples that an interval covers")
      ->type_name("X")
      ->check(NumberIn(0.5, 0.9999));
  AddTableOptions(command, flags->table);
  AddPoolingOptions(command, flags->encoding);
  AddStripOptions(command, flags->encoding);
  AddMaxLengthOption(command, flags->encoding, "what the folder says, else 2048");
  AddPromptOptions(command, flags->embed);
  AddRolePromptOptions(command, flags->embed, "of retrieval");
  AddSimilarityOption(command, flags->similarity);
  AddBatchTokensOption(command, flags->embed);
  AddStreamOption(command, flags->embed.stream_layers);
  OnRun(command, globals, [&globals, flags] { Eval(globals, *flags); });
}

}  // namespace lacos::cli
