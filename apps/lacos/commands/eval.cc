// `lacos eval`: measures the vectors of a model or of any other system on the usual tasks.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
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
#include "lacos/eval/results/result_folders.h"
#include "lacos/eval/results/summary_json.h"
#include "lacos/eval/tasks/floors.h"
#include "lacos/io/atomic_file.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

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

EvaluationData DataOf(const EvalFlags& flags) {
  return {.task = flags.task,
          .files = flags.data,
          .options = {.table = flags.table.Options(),
                      .split = flags.split,
                      .train_data = flags.train_data,
                      .classification = flags.classification,
                      .keep_identical_ids = flags.keep_identical_ids},
          .suites = flags.suites,
          .suite_folder = flags.suite_folder,
          .skip_missing = flags.skip_missing};
}

// The tasks are made before the model is opened, so that a damaged row is found at once.
EvaluationTasks TasksOf(const EvalFlags& flags) {
  std::vector<std::string> absent;
  EvaluationTasks tasks = MakeTasks(DataOf(flags), absent);
  if (!absent.empty()) spdlog::warn("not in the suite, left out: {}", fmt::join(absent, ", "));
  return tasks;
}

// Writes one JSON object per line, in the order in which --embeddings expects the vectors.
void WriteTexts(const std::string& path, const TextTable& texts) {
  AtomicFile file(path);
  for (int64_t row = 0; row < texts.size(); ++row)
    file.WriteText(TextJson(texts, row).Dump() + "\n");
  file.Commit();
}

// The record of an evaluation: its files and the model that embedded the texts.
WorkRecord RecordOf(const EvalFlags& flags, System& system) {
  return {.inputs =
              [&](RunInputs& inputs) {
                AddInputs({.model = system.model_folder(),
                           .embeddings = flags.embeddings,
                           .about = flags.about,
                           .leak_check = flags.leak_check},
                          DataOf(flags), inputs);
              },
          .kernels = [&system] { return system.backend_in_use().Describe(); }};
}

void Compare(const GlobalOptions& globals, const EvalFlags& flags) {
  const FolderComparison found =
      CompareFolders(flags.compare[0], flags.compare[1], flags.bootstrap);
  if (!found.apart.empty()) spdlog::warn("{}", found.NoteOnSetsApart());
  if (!flags.output.empty()) {
    WriteComparisonFolder(found, flags.bootstrap.confidence, flags.output,
                          MakeOutputOptions(globals, flags.output, flags.overwrite));
  }
  if (globals.json) {
    PrintJson(found.ToJson());
  } else {
    Out().Write(ComparisonTable(found.differences, flags.compare[0], flags.compare[1]));
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
  Progress progress(
      globals, {.what = "scoring", .unit = "sets", .total = static_cast<int64_t>(tasks.size())});
  EvaluationResults results = ScoreTasks(tasks, system.measured, system.backend_in_use(),
                                         globals.seed, [&](int64_t scored, const std::string& now) {
                                           CheckInterrupt();
                                           progress.Update(scored, now);
                                           memory.Sample();
                                         });
  progress.Finish();
  CompleteResults(SourcesOf(flags, system), tasks, texts, flags.bootstrap, results);
  memory.AddTo(results.system);

  const double confidence = flags.bootstrap.confidence;
  if (!flags.output.empty()) {
    WriteResultsFolder(results, confidence, flags.output,
                       MakeOutputOptions(globals, flags.output, flags.overwrite),
                       RecordOf(flags, system));
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
