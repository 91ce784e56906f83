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

// Trains and writes the output folder (docs/contract.md section 4). `should_stop` is asked after every
// step; when it says yes, the state is saved and the report says interrupted. Throws UserError;
// then no root files exist and the last checkpoint is intact.
TrainReport Train(const TrainOptions& options, const std::vector<TrainObserver*>& observers,
                  const std::function<bool()>& should_stop);

// The memory plan of such a run, nothing written. Without train files every text has max_length
// tokens.
MemoryPlan PlanRun(const TrainOptions& options);

// The fresh or continued adapter that a run starts from, checked against the model.
LoraAdapter StartingAdapter(const LoadedModel& loaded, const LoraSettings& lora, uint64_t seed);

}  // namespace lacos
