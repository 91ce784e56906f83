#include "lacos/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lacos/base/error.h"
#include "lacos/base/nan.h"
#include "lacos/base/process.h"
#include "lacos/eval/sts.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/json_numbers.h"
#include "lacos/io/manifest.h"
#include "lacos/kernels/compute_advice.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/record/differences.h"
#include "lacos/record/run_record.h"
#include "lacos/train/bad_step.h"
#include "lacos/train/losses/make_loss.h"
#include "lacos/train/run/checkpoint.h"
#include "lacos/train/run/folder.h"
#include "lacos/train/run/metrics_log.h"
#include "lacos/train/run/output.h"
#include "lacos/train/run/report.h"
#include "lacos/train/run/tensorboard_log.h"
#include "lacos/train/session.h"

namespace lacos {
namespace {

// Which epoch each step's batch belongs to. The batches of all epochs are counted up front, because
// the learning-rate schedule needs the total number of steps.
struct StepPlan {
  int64_t total_steps = 0;
  TrainingData::Extent largest;
  std::vector<int64_t> epoch_begin;  // first step of each epoch
};

StepPlan PlanSteps(const TrainingData& data, const TrainOptions& options, bool keys) {
  StepPlan plan;
  double left = options.settings.max_steps > 0 ? 0 : options.settings.epochs;
  for (int64_t epoch = 0;
       options.settings.max_steps > 0 ? plan.total_steps < options.settings.max_steps : left > 0;
       ++epoch) {
    const Epoch batches = data.MakeEpoch(epoch);
    auto count = static_cast<int64_t>(batches.batches.size());
    if (left < 1 && options.settings.max_steps == 0)
      count = static_cast<int64_t>(std::ceil(left * static_cast<double>(count)));
    if (options.settings.max_steps > 0)
      count = std::min(count, options.settings.max_steps - plan.total_steps);
    plan.epoch_begin.push_back(plan.total_steps);
    plan.total_steps += count;
    left -= 1;
    // Batches that the run does not reach need no memory.
    const auto reached = std::span(batches.batches).first(static_cast<size_t>(count));
    TrainingData::Extent extent = data.LargestBatch(reached, keys);
    const int64_t longest = std::max(plan.largest.longest, extent.longest);
    if (extent.tokens > plan.largest.tokens) plan.largest = std::move(extent);
    plan.largest.longest = longest;
  }
  return plan;
}

// One training run, or the plan of one. Holds everything that the steps share; each part is built
// once, in the order of the members.
class Run {
 public:
  Run(const TrainOptions& options, const std::vector<TrainObserver*>& observers,
      const std::function<bool()>& should_stop, RunFolder* folder = nullptr)
      : options_(options),
        should_stop_(should_stop),
        folder_(folder),
        metrics_((std::filesystem::path(options.run.output) / "metrics.jsonl").string()),
        tensorboard_(options.run.output, RecipeOf(options)) {
    observers_ = observers;
    observers_.push_back(&metrics_);
    observers_.push_back(&tensorboard_);
  }

  TrainReport Execute() {
    Load();
    const std::string advice = AdviceOnCompute(options_.device, options_.settings.compute,
                                               loaded_.base_weights->config().hidden_size);
    if (!advice.empty()) Warn(advice);
    Build();
    session_->TakeRoom();
    BuildEvaluation();
    Start();
    Loop();
    if (const LayerCache* cache = session_->layer_cache.get()) {
      Tell(fmt::format("layer cache: states of {} tokens read, of {} added", cache->read_tokens(),
                       cache->added_tokens()));
    }
    if (!report_.interrupted) Finish();
    WriteReport();
    return report_;
  }

  MemoryPlan PlanOnly() {
    if (options_.train_files.empty()) {
      if (options_.shape != nullptr) {
        loaded_.base_weights = options_.shape;
      } else {
        loaded_ = LoadModel(options_.model, options_.base, options_.adapter);
      }
      const int64_t examples = options_.settings.batch_size;
      const int64_t texts = examples * DescribeLoss(options_.settings.loss).inputs.Texts();
      steps_.largest = {
          .tokens = texts * *options_.settings.max_length,
          .lengths = std::vector<int32_t>(static_cast<size_t>(texts),
                                          static_cast<int32_t>(*options_.settings.max_length)),
          .rows = texts,
          .examples = examples};
      dropout_ = DropoutOf(options_.settings, {});
    } else {
      Load();
    }
    Build();
    MemoryPlan plan = session_->plan;
    if (!options_.settings.cache_layers.empty() && session_->encoder->LowestTrainableBlock() > 0) {
      plan.layer_cache_token_bytes =
          LayerCacheTokenBytes(session_->model->config().hidden_size *
                               static_cast<int64_t>(SizeOf(session_->backend->Types().residual)));
      if (data_) plan.layer_cache_bytes = data_->distinct_tokens() * plan.layer_cache_token_bytes;
    }
    return plan;
  }

 private:
  void Tell(const std::string& message) {
    for (TrainObserver* observer : observers_) observer->OnMessage(message);
  }

  void Warn(const std::string& message) {
    for (TrainObserver* observer : observers_) observer->OnWarning(message);
  }

  // Says what was read of the files, and what was left out.
  void TellAboutFiles() {
    for (const ExampleFile& file : data_->files()) {
      const auto tell = [&](const std::string& what) {
        Tell(fmt::format("[{}] {}", file.path, what));
      };
      tell(fmt::format("{} rows read, {} examples", file.rows, file.examples.size()));
      file.dropped.ForEachReason([&](const char* reason, int64_t count) {
        if (count > 0) tell(fmt::format("{} rows {} were left out", count, reason));
      });
      for (const std::string& note : file.Notes()) tell(note);
      for (const std::string& warning : file.warnings) Warn(warning);
    }
    for (const std::string& note : dev_.Notes()) Tell(fmt::format("[{}] {}", dev_.path, note));
    for (const std::string& warning : dev_.warnings) Warn(warning);
  }

  // Reads the files: model, tokenizer, training examples and dev pairs.
  void Load() {
    loaded_ = LoadModel(options_.model, options_.base, options_.adapter);
    for (const std::string& warning : loaded_.folder.warnings) Warn(warning);
    for (const std::string& note : loaded_.notes) Tell(note);
    std::vector<std::string> prompts;
    for (const auto& [name, text] : loaded_.folder.settings.prompts) {
      if (!text.empty()) prompts.push_back(name);
    }
    if (!prompts.empty()) {
      Tell(fmt::format(
          "[{}] its prompts ({}) are not used in training; the trained folder keeps them",
          loaded_.folder.path, fmt::join(prompts, ", ")));
    }
    std::vector<ExampleFile> files;
    for (const std::string& path : options_.train_files) {
      files.push_back(ReadExamples(path, ExamplesOf(options_.settings)));
      KeepFraction(files.back(), options_.settings.data_fraction, options_.settings.seed);
    }
    if (!options_.dev_file.empty())
      dev_ = ReadScoredPairs(options_.dev_file, ExamplesOf(options_.settings).table, "dev");
    dropout_ = DropoutOf(options_.settings, files);
    data_ = std::make_unique<TrainingData>(std::move(files), *loaded_.tokenizer,
                                           DataOf(options_.settings));
    steps_ = PlanSteps(*data_, options_, NeedsDropoutKeys(loaded_, options_, dropout_));
    report_.truncated = data_->truncated();
  }

  // Builds the training session (the model on its backend, loss, optimizer) and the schedule.
  void Build() {
    session_ = std::make_unique<TrainingSession>(loaded_, options_, dropout_, steps_.largest,
                                                 static_cast<int64_t>(dev_.first.size()),
                                                 EvaluationTokens());
    report_.strategy = session_->plan.chosen.name;
    report_.planned_peak_bytes = session_->plan.chosen.peak_bytes;
    schedule_ = {.kind = options_.settings.schedule,
                 .peak = *options_.settings.learning_rate,
                 .warmup_steps =
                     options_.settings.warmup_steps >= 0
                         ? options_.settings.warmup_steps
                         : static_cast<int64_t>(std::ceil(options_.settings.warmup_ratio *
                                                          static_cast<double>(steps_.total_steps))),
                 .total_steps = steps_.total_steps};
  }

  // Number of tokens in a batch of dev texts.
  int64_t EvaluationTokens() const {
    return std::min<int64_t>(4096, std::max(steps_.largest.tokens, *options_.settings.max_length));
  }
  void BuildEvaluation() {
    text_encoder_ = std::make_unique<TextEncoder>(
        *session_->encoder, *loaded_.tokenizer,
        TextEncoderOptions{.tokenize = {.strip = *options_.settings.strip,
                                        .max_length = *options_.settings.max_length},
                           .normalize = *options_.settings.normalize,
                           .truncate_dim = loaded_.folder.settings.truncate_dim.value_or(0),
                           .batch_tokens = EvaluationTokens()});
  }

  // Resumes the run in the output folder, or begins a new one there.
  void Start() {
    settings_ =
        RunSettings(options_, loaded_, *data_, dev_, *session_->backend, steps_.total_steps);
    if (options_.run.resume) {
      std::vector<std::string> messages;
      const auto checkpoint = FindCheckpoint(options_.run.output, messages);
      for (const std::string& message : messages) Tell(message);
      if (checkpoint) {
        LoadedRun run = LoadCheckpoint(*checkpoint, *session_->backend, *session_->optimizer,
                                       session_->model->config(), settings_);
        progress_ = run.progress;
        if (!run.note.empty()) Tell(run.note);
        PointLatestAt(options_.run.output, std::filesystem::path(*checkpoint).filename().string());
        best_ = std::move(run.best);
        Tell(fmt::format("resumed from {} at step {}", *checkpoint, progress_.step));
      } else {
        Tell(fmt::format("no valid checkpoint in {}: starting at step 0", options_.run.output));
        PointLatestAt(options_.run.output, "");
      }
    }
    // The record is read first, because Begin below may replace the folder that contains it.
    const Json repeated =
        options_.run.repeats.empty() ? Json() : Json::ReadFile(options_.run.repeats);
    folder_->Begin(options_.run.writing.overwrite && !options_.run.resume);
    if (progress_.step == 0) ForgetRecords(options_.run.output);
    session_->OpenLayerCache(loaded_, [this](const std::string& message) { Tell(message); });
    const Json run = MakeRunFile(options_, loaded_, *data_, dev_, *session_->backend, settings_);
    WriteRunFile(RunFileOfFolder(options_.run.output), run);
    if (!repeated.IsNull()) {
      for (const std::string& difference : DifferencesFromRun(repeated, run)) {
        Warn(fmt::format("[{}] not the same run: {}; another result may follow",
                         options_.run.repeats, difference));
      }
    }
    TellAboutFiles();
    for (TrainObserver* observer : observers_)
      observer->OnStart(*data_, session_->plan, progress_.step, steps_.total_steps);
    if (progress_.step == 0 && !options_.dev_file.empty()) Evaluate();
  }

  void Loop() {
    int64_t epoch = -1;
    Epoch batches;
    while (progress_.step < steps_.total_steps) {
      // Patience is checked before each step and not after it, because a resumed run may start from
      // a checkpoint of the very step that used patience up.
      if (options_.settings.patience > 0 &&
          progress_.evaluations_without_improvement >= options_.settings.patience) {
        Tell(fmt::format("stopped early at step {}: {} evaluations without improvement",
                         progress_.step, options_.settings.patience));
        return;
      }
      const auto next =
          std::upper_bound(steps_.epoch_begin.begin(), steps_.epoch_begin.end(), progress_.step);
      const int64_t now = next - steps_.epoch_begin.begin() - 1;
      if (now != epoch) batches = data_->MakeEpoch(epoch = now);
      TrainStep(batches.batches[progress_.step - steps_.epoch_begin[epoch]], epoch);

      const bool end = progress_.step == steps_.total_steps;
      const bool epoch_end = end || (epoch + 1 < static_cast<int64_t>(steps_.epoch_begin.size()) &&
                                     progress_.step == steps_.epoch_begin[epoch + 1]);
      const bool evaluate = options_.settings.eval_every > 0
                                ? progress_.step % options_.settings.eval_every == 0 || end
                                : epoch_end;
      if (evaluate && !options_.dev_file.empty()) Evaluate();
      const bool stop = should_stop_ && should_stop_();
      if (stop) session_->encoder->arena().Free();
      if (stop || (options_.run.save_every > 0 && progress_.step % options_.run.save_every == 0))
        Save();
      if (stop && !end) {
        report_.interrupted = true;
        report_.steps = progress_.step;
        return;
      }
    }
  }

  void TrainStep(const Batch& batch, int64_t epoch) {
    const Stopwatch step_watch;
    const int64_t step = progress_.step;
    const TrainingBatch input = data_->Build(batch, step, session_->needs_keys);
    const double learning_rate = schedule_.At(step);
    const TrainingSession::StepResult result = session_->Step(input, learning_rate);

    const bool first = progress_.step == progress_.bad_steps;
    ++progress_.step;
    progress_.tokens += input.texts.Tokens();
    if (!result.bad) {
      progress_.loss_last = result.loss.loss;
      if (first) progress_.loss_first = result.loss.loss;
    }
    session_tokens_ += input.texts.Tokens();
    const double seconds = step_watch.Seconds();
    training_seconds_ += seconds;
    const MemoryUse memory = ReadMemoryUse();
    StepRecord record{.step = progress_.step,
                      .total_steps = steps_.total_steps,
                      .epoch = epoch,
                      .loss = result.loss.loss,
                      .accuracy = result.loss.accuracy,
                      .learning_rate = learning_rate,
                      .gradient_norm = result.gradients.norm,
                      .clipped = result.clipped,
                      .tokens = input.texts.Tokens(),
                      .texts = input.texts.Texts(),
                      .truncated = input.truncated,
                      .tokens_per_second = static_cast<double>(input.texts.Tokens()) / seconds,
                      .seconds = training_seconds_,
                      .rss_bytes = memory.rss_bytes,
                      .peak_rss_bytes = memory.peak_rss_bytes};
    if (result.bad) record.bad = ExamineBadStep(*session_, input, result, data_->RowPlaces(batch));
    for (TrainObserver* observer : observers_) observer->OnStep(record);
    if (result.bad) PassOverBadStep(record);
  }

  // Records a step without update. The batch counts as used and the schedule advances, while
  // parameters, moments and Adam's step count stay the same, as when torch.amp.GradScaler skips an
  // optimizer step. Throws UserError when there were more than max_bad_steps such steps.
  void PassOverBadStep(const StepRecord& record) {
    ++progress_.bad_steps;
    const std::string what = DescribeBadStep(record);
    if (progress_.bad_steps > options_.run.max_bad_steps) {
      WriteReport();
      throw UserError(fmt::format(
          "[step {}] {}; expected finite numbers{}; lower `learning_rate`, use `compute` f32, check the "
          "weights and those rows, or pass over more such steps with `max_bad_steps`; "
          "the last checkpoint is intact",
          record.step, what,
          options_.run.max_bad_steps == 0
              ? ""
              : fmt::format(" in all but `max_bad_steps` {} steps", options_.run.max_bad_steps)));
    }
    Warn(fmt::format("step {}: no update, {} of {} such steps: {}", record.step,
                     progress_.bad_steps, options_.run.max_bad_steps, what));
  }

  // Throws UserError when a parameter is not finite, so that such a value is
  // never saved or exported.
  void RequireFiniteValues() {
    const auto bad = session_->optimizer->FirstNonfiniteValue();
    if (!bad) return;
    throw UserError(fmt::format(
        "[step {}] {} values of '{}' are not finite after the update; expected finite numbers; lower "
        "`learning_rate`; nothing was written, and the last checkpoint is intact",
        progress_.step, bad->nonfinite_values, bad->tensor));
  }

  void Evaluate() {
    const StsResult result = EvaluateSts(
        *text_encoder_, dev_, "", loaded_.folder.settings.similarity.value_or(Similarity::kCosine));
    EvaluationRecord record{
        .step = progress_.step, .spearman = result.spearman, .pearson = result.pearson};
    // An undefined score is never the best one.
    record.best = !std::isnan(result.spearman) && result.spearman > BestSpearman();
    if (record.best) {
      progress_.best_step = progress_.step;
      progress_.evaluations_without_improvement = 0;
      best_ = session_->model->Detach();
    } else if (progress_.step > 0) {
      ++progress_.evaluations_without_improvement;
    }
    Json json = Json::Object();
    json.Set("step", record.step);
    json.Set("spearman", record.spearman);
    json.Set("pearson", record.pearson);
    progress_.evaluations.Append(json);
    for (TrainObserver* observer : observers_) observer->OnEvaluation(record);
  }

  double BestSpearman() const {
    double best = -200;
    for (size_t i = 0; i < progress_.evaluations.size(); ++i) {
      const double score = NumberOrNaN(progress_.evaluations[i].At("spearman"));
      if (score > best) best = score;
    }
    return best;
  }

  void Save() {
    RequireFiniteValues();
    const std::string folder = SaveCheckpoint(
        options_.run.output, *session_->backend, *session_->optimizer, session_->model->Detach(),
        best_, progress_, settings_, loaded_.folder.base_name, options_.run.keep);
    folder_->Keep();
    for (TrainObserver* observer : observers_) observer->OnCheckpoint(progress_.step, folder);
    // Writing the page takes at most 1/50 of the time, however often the run saves.
    if (report_watch_.Seconds() >= 50 * report_seconds_) WriteReport();
  }

  // Writes report.html for the current state. A failure only causes a warning: a page that cannot
  // be written is no reason to end the run.
  void WriteReport() {
    const Stopwatch watch;
    try {
      WriteRunReport(options_.run.output);
    } catch (const UserError& problem) {
      Warn(problem.what());
    }
    report_seconds_ = watch.Seconds();
    report_watch_ = Stopwatch();
  }

  // Fills in the report and writes the sentence-transformers folder. Exports the adapter with the
  // best dev score if there is one, otherwise the adapter of the last step.
  void Finish() {
    // Writing the output must not add to the peak of the steps.
    session_->encoder->arena().Free();
    report_.steps = progress_.step;
    report_.bad_steps = progress_.bad_steps;
    report_.tokens = session_tokens_;
    report_.seconds = training_seconds_;
    const bool trained = progress_.step > progress_.bad_steps;
    report_.loss_first = trained ? progress_.loss_first : kNaN;
    report_.loss_last = trained ? progress_.loss_last : kNaN;
    std::vector<std::pair<std::string, std::string>> scores = {
        {"steps", best_ ? fmt::format("{} of {}, the best on the dev set", progress_.best_step,
                                      progress_.step)
                        : fmt::format("{}", progress_.step)}};
    if (progress_.evaluations.size() > 0) ReportEvaluations(scores);
    if (!best_) RequireFiniteValues();
    // An earlier session may have been killed before it deleted its old checkpoints.
    PruneCheckpoints(options_.run.output, options_.run.keep);
    ExportRun(options_, loaded_, *data_, best_ ? *best_ : session_->model->Detach(), scores);
    folder_->Keep();
  }

  // Fills in the report's evaluations and appends the model card's lines about them to `scores`.
  void ReportEvaluations(std::vector<std::pair<std::string, std::string>>& scores) {
    const auto record = [&](size_t i) {
      const Json json = progress_.evaluations[i];
      return EvaluationRecord{.step = json.At("step").AsInt(),
                              .spearman = NumberOrNaN(json.At("spearman")),
                              .pearson = NumberOrNaN(json.At("pearson"))};
    };
    report_.evaluated = true;
    report_.first_evaluation = record(0);
    report_.last_evaluation = report_.best_evaluation = record(progress_.evaluations.size() - 1);
    for (size_t i = 0; i < progress_.evaluations.size(); ++i) {
      if (record(i).step == progress_.best_step) report_.best_evaluation = record(i);
    }
    report_.best_evaluation.best = best_.has_value();
    if (!best_) Warn("no dev score is defined: the adapter of the last step is the result");
    if (best_ && progress_.best_step == 0) {
      Warn("no dev score is above the one before training: the result is the adapter of step 0");
    }
    const auto add = [&](const char* name, const EvaluationRecord& evaluation) {
      const std::string value = std::isnan(evaluation.spearman)
                                    ? "undefined"
                                    : fmt::format("{:.2f}", evaluation.spearman);
      scores.emplace_back(name, fmt::format("{} (step {})", value, evaluation.step));
    };
    add("dev Spearman x 100, before training", report_.first_evaluation);
    add("dev Spearman x 100, this adapter", report_.best_evaluation);
    add("dev Spearman x 100, last step", report_.last_evaluation);
  }

  const TrainOptions& options_;
  std::vector<TrainObserver*> observers_;
  std::function<bool()> should_stop_;
  RunFolder* folder_;  // null when the run is only planned
  MetricsLog metrics_;
  TensorboardLog tensorboard_;
  LoadedModel loaded_;
  std::unique_ptr<TrainingData> data_;
  ScoredPairs dev_;
  StepPlan steps_;
  DropoutRates dropout_;
  std::unique_ptr<TrainingSession> session_;
  std::unique_ptr<TextEncoder> text_encoder_;
  Schedule schedule_;
  Json settings_;
  RunProgress progress_;
  std::optional<LoraAdapter> best_;
  int64_t session_tokens_ = 0;
  double training_seconds_ = 0;
  Stopwatch report_watch_;     // time since report.html was last written
  double report_seconds_ = 0;  // duration of the last write of report.html
  TrainReport report_;
};

}  // namespace

LoraAdapter StartingAdapter(const LoadedModel& loaded, const LoraSettings& lora, uint64_t seed) {
  if (loaded.adapter) return *loaded.adapter;
  return InitializeAdapter(*loaded.base_weights, lora, seed);
}

MemoryPlan PlanRun(const TrainOptions& options) {
  const TrainOptions resolved = Resolve(options);
  return Run(resolved, {}, {}).PlanOnly();
}

TrainReport Train(const TrainOptions& options, const std::vector<TrainObserver*>& observers,
                  const std::function<bool()>& should_stop) {
  if (!options.run.resume)
    CheckOutput(options.run.output,
                {.overwrite = options.run.writing.overwrite, .inputs = {options.model}});
  RunFolder folder(options.run.output);
  if (options.run.resume && RunFinished(options.run.output)) {
    TrainReport report = FinishedReport(options.run.output);
    for (TrainObserver* observer : observers) {
      observer->OnMessage(
          fmt::format("the run in {} is finished: nothing to do", options.run.output));
    }
    return report;
  }
  if (!options.run.resume) RefuseExisting(options.run.output, options.run.writing.overwrite);
  TrainOptions resolved = Resolve(options);
  resolved.device = ChooseDevice({.device = options.device,
                                  .compute = resolved.settings.compute,
                                  .tell = [&](const std::string& why) {
                                    for (TrainObserver* observer : observers)
                                      observer->OnWarning(why);
                                  }});
  return Run(resolved, observers, should_stop, &folder).Execute();
}

}  // namespace lacos
