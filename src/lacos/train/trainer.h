// The training loop: epochs of batches, gradients, clipping, optimizer, dev scores, checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacos/kernels/device.h"
#include "lacos/model/loaded_model.h"
#include "lacos/train/gradient_step.h"
#include "lacos/train/losses/loss.h"
#include "lacos/train/observer.h"
#include "lacos/train/optimizer.h"
#include "lacos/train/plan.h"
#include "lacos/train/schedule.h"
#include "lacos/train/training_data.h"

namespace lacos {

struct OpTimes;  // kernels/timed_backend.h

// Every setting of a run; defaults are those of `lacos train`.
struct TrainOptions {
  std::string model, base, adapter;  // `adapter`: go on from it
  // For PlanRun only, in place of `model`: a checkpoint without weights.
  std::shared_ptr<BaseWeights> shape;
  std::string output;
  std::vector<std::string> train_files;
  ExampleOptions examples;
  // share of each file's examples that is used, drawn by `seed` (KeepFraction)
  double data_fraction = 1;
  std::string dev_file;
  int64_t eval_every = 0;  // steps; 0 = at the end of each epoch
  int64_t patience = 0;    // evaluations without improvement before stopping; 0 = never
  double epochs = 1;       // whole epochs, or a fraction
  int64_t max_steps = 0;   // overrides epochs when positive
  BatchOptions batch;      // batch size, seed, mix
  int64_t max_length = 75;
  bool strip = false;
  Pooling pooling = Pooling::kMean;
  bool normalize = false;
  LossOptions loss;
  double score_maximum = 0;
  LoraSettings lora;
  // embedding output, attention, residuals; default 0, for unlabelled text 0.1
  std::optional<double> dropout;
  OptimizerOptions optimizer;
  double learning_rate = 2e-4;
  double max_grad_norm = 1;  // 0 = no clipping
  ScheduleKind schedule = ScheduleKind::kLinear;
  double warmup_ratio = 0.1;
  int64_t warmup_steps = -1;  // overrides the ratio when not negative
  StrategyChoice strategy = StrategyChoice::kAuto;
  int64_t memory_budget = 0;
  int64_t chunk_tokens = 0;
  bool stream_layers = false;  // one block of the base resident at a time
  bool cold = false;           // for measurements: streams as if the base were larger than memory
  std::string cache_layers;    // folder for the states below the lowest trained layer; empty = none
  int64_t cache_layers_limit = 20'000'000'000;  // bytes of that folder's caches
  int64_t save_every = 0;  // steps between checkpoints; 0 = none but on interruption
  int64_t keep = 2;        // checkpoints kept
  // Steps in all, of every session of the run, that may be passed over because something was not
  // finite; one more stops the run.
  int64_t max_bad_steps = 0;
  // keep hashes of the training texts (data/training_texts.h) in the output
  bool text_hashes = true;
  bool resume = false;
  bool overwrite = false;
  Device device;  // the CPU unless said otherwise
  Compute compute = Compute::kBF16;
  OpTimes* op_times = nullptr;  // where the backend's time goes is counted here; null = not counted
  uint64_t seed = 42;
  // name, value: for the model card and the resume check
  std::vector<std::pair<std::string, std::string>> recipe;
  // a JSON object with what the program knows of itself and its command, for run.json
  std::string run_record;
  std::string repeats;  // run.json of the run that this one repeats: what differs is warned about
};

struct TrainReport {
  int64_t steps = 0, bad_steps = 0, tokens = 0, truncated = 0;
  double seconds = 0;
  double loss_first = 0, loss_last = 0;  // of steps that are not bad; NaN without any
  bool interrupted = false;
  bool evaluated = false;
  // best_evaluation is that of the exported adapter; without a defined score that is the last one.
  EvaluationRecord first_evaluation, best_evaluation, last_evaluation;
  std::string strategy;
  int64_t planned_peak_bytes = 0;
};

// Trains and writes the output folder (CONTRACT section 4). `should_stop` is asked after every
// step; when it says yes, the state is saved and the report says interrupted. Throws UserError;
// then no root files exist and the last checkpoint is intact.
TrainReport Train(const TrainOptions& options, const std::vector<TrainObserver*>& observers,
                  const std::function<bool()>& should_stop);

// The memory plan of such a run, nothing written. Without train files every text has max_length
// tokens.
MemoryPlan PlanRun(const TrainOptions& options);

// The fresh or continued adapter that a run starts from, checked against the model.
LoraAdapter StartingAdapter(const LoadedModel& loaded, const TrainOptions& options);

}  // namespace lacos
