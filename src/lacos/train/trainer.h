// The training loop: epochs of batches, gradients, clipping, optimizer, dev scores, checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacos/model/loaded_model.h"
#include "lacos/train/gradient_step.h"
#include "lacos/train/losses/loss.h"
#include "lacos/train/observer.h"
#include "lacos/train/optimizer.h"
#include "lacos/train/options.h"
#include "lacos/train/plan.h"
#include "lacos/train/schedule.h"
#include "lacos/train/training_data.h"

namespace lacos {

struct TrainReport {
  int64_t steps = 0, tokens = 0, truncated = 0;
  int64_t bad_steps = 0;  // steps without an update, because a loss or gradient was not finite
  double seconds = 0;
  // Losses of the first and the last step with an update; NaN when there was no such step.
  double loss_first = 0, loss_last = 0;
  bool interrupted = false;
  bool evaluated = false;
  // `best_evaluation` belongs to the exported adapter. When no score is
  // defined, it equals `last_evaluation`.
  EvaluationRecord first_evaluation, best_evaluation, last_evaluation;
  std::string strategy;
  int64_t planned_peak_bytes = 0;
};

// Trains and writes the output folder (docs/reference/folders.md). `should_stop` is called after
// every step. When it returns true, the state is saved and the report has `interrupted` set. Throws
// UserError; the output then has no exported files in its root, and the last checkpoint is intact.
TrainReport Train(const TrainOptions& options, const std::vector<TrainObserver*>& observers,
                  const std::function<bool()>& should_stop);

// The memory plan of a run with these options. Writes nothing. Without training files, every text
// is assumed to have `max_length` tokens.
MemoryPlan PlanRun(const TrainOptions& options);

// The adapter that a run starts from: the loaded adapter if there is one, otherwise a newly
// initialized one that fits the model.
LoraAdapter StartingAdapter(const LoadedModel& loaded, const LoraSettings& lora, uint64_t seed);

}  // namespace lacos
