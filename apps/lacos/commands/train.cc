// `lacos train`: trains BLOOM for sentence embeddings and writes a sentence-transformers folder.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <memory>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "flags/config_file.h"
#include "flags/train_flags.h"
#include "lacos/base/error.h"
#include "lacos/train/report_json.h"
#include "lacos/train/trainer.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

std::string Score(double value) {
  return std::isnan(value) ? "undefined" : fmt::format("{:.2f}", value);
}

// Shows a run on stderr: messages about its files, a progress line, dev scores and checkpoints.
class TrainDisplay final : public TrainObserver {
 public:
  explicit TrainDisplay(const GlobalOptions& globals) : globals_(globals) {}

  void OnStart(const TrainingData& data, const MemoryPlan& plan, int64_t first_step,
               int64_t total_steps) override {
    if (data.truncated() > 0) {
      spdlog::info("{} texts are longer than --max-length and lose their {}", data.truncated(),
                   data.lost_part());
    }
    spdlog::info("strategy {}: predicted peak {}", plan.chosen.name,
                 FormatBytes(double(plan.chosen.peak_bytes)));
    progress_ = std::make_unique<Progress>(
        globals_,
        ProgressOptions{
            .what = "training", .unit = "steps", .total = total_steps, .already_done = first_step});
  }
  void OnStep(const StepRecord& record) override {
    memory_.Sample();
    if (!record.bad)
      smoothed_loss_ = smoothed_loss_ < 0 ? record.loss : 0.9 * smoothed_loss_ + 0.1 * record.loss;
    std::vector<std::string> notes;
    if (smoothed_loss_ >= 0) notes.push_back(fmt::format("loss {:.4f}", smoothed_loss_));
    notes.push_back(FormatCount(record.tokens_per_second) + " tokens/s");
    progress_->Update(record.step, notes);
  }
  void OnEvaluation(const EvaluationRecord& record) override {
    spdlog::info("step {}: dev Spearman {}, Pearson {}{}", record.step, Score(record.spearman),
                 Score(record.pearson), record.best ? ", the best so far" : "");
  }
  void OnCheckpoint(int64_t step, const std::string& folder) override {
    spdlog::info("step {}: saved {}", step, folder);
  }
  void OnMessage(const std::string& message) override { spdlog::info("{}", message); }
  void OnWarning(const std::string& message) override { spdlog::warn("{}", message); }

  void Finish() {
    if (progress_) progress_->Finish();
  }
  PeakMemory& memory() { return memory_; }

 private:
  const GlobalOptions& globals_;
  std::unique_ptr<Progress> progress_;
  PeakMemory memory_;
  double smoothed_loss_ = -1;
};

void PrintReport(const TrainReport& report, const std::string& output, PeakMemory& memory) {
  FieldList fields;
  fields.Add("steps", fmt::format("{}", report.steps));
  if (report.bad_steps > 0) fields.Add("steps without update", fmt::format("{}", report.bad_steps));
  fields.Add("tokens", fmt::format("{}", report.tokens));
  fields.Add("truncated texts", fmt::format("{}", report.truncated));
  fields.Add("time", FormatSeconds(report.seconds));
  fields.Add("tokens/s", fmt::format("{:.0f}", TokensPerSecond(report)));
  fields.Add("loss, first and last",
             fmt::format("{:.4f}  {:.4f}", report.loss_first, report.loss_last));
  memory.AddTo(fields);
  fields.Add("output", output);
  std::string text = fields.Text();
  if (report.evaluated) {
    Table table({"dev", "step", "Spearman", "Pearson"});
    const auto add = [&](const std::string& name, const EvaluationRecord& record) {
      table.AddRow(
          {name, fmt::format("{}", record.step), Score(record.spearman), Score(record.pearson)});
    };
    add("first", report.first_evaluation);
    add("best", report.best_evaluation);
    add("last", report.last_evaluation);
    text += "\n" + table.Text();
  }
  Out().Write(text);
}

void RunTrain(const GlobalOptions& globals, const TrainFlags& flags) {
  if (flags.run.resume && flags.run.writing.overwrite)
    FailUsage("--resume", "go on with a run or start anew: --overwrite excludes it");
  TrainOptions options = MakeTrainOptions(globals, flags);
  options.run.writing.record = CommandRecord(globals, flags.run.output);
  options.run.repeats = RunFileOf(globals.arguments);
  TrainDisplay display(globals);
  const TrainReport report = Train(options, {&display}, [] { return InterruptRequested(); });
  display.Finish();
  if (report.interrupted) {
    spdlog::warn("interrupted at step {}; go on with --resume", report.steps);
    throw Interrupted();
  }
  if (globals.json) {
    Json json = ReportJson(report);
    display.memory().AddTo(json);
    PrintJson(json);
  } else {
    PrintReport(report, flags.run.output, display.memory());
  }
}

}  // namespace

void AddTrainCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command =
      NewCommand(app, globals, "train", "Train an adapter that makes a BLOOM embed sentences",
                 "lacos train --model bloom-560m-int8 --train nli.tsv --output trained --epochs 1");
  AddDeviceOption(command, globals);
  auto flags = std::make_shared<TrainFlags>();
  command
      ->add_option(
          "--train", flags->train_files,
          "Training data: NLI pairs, triplets, scored pairs, texts with classes, or texts alone")
      ->type_name("FILE")
      ->required();
  command->add_option("--output", flags->run.output, "Folder to make")
      ->type_name("DIR")
      ->required();
  command->add_option("--dev", flags->dev, "Scored pairs that choose the best adapter")
      ->type_name("FILE");
  AddEvaluationFlags(command, *flags);
  AddTrainFlags(command, *flags);
  AddCheckpointFlags(command, *flags);
  AddOverwriteOption(command, flags->run.writing.overwrite);
  OnRun(command, globals, [&globals, flags] { RunTrain(globals, *flags); });
}

}  // namespace lacos::cli
