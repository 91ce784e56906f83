// How fast training steps are: real steps of a real run, without its output folder, dev scores and
// checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lacos/model/cold_base.h"
#include "lacos/train/trainer.h"

namespace lacos {

struct StepBenchReport {
  int64_t steps = 0, tokens = 0;  // measured, the first step left out
  // less than `tokens` where texts repeat in a batch and nothing is dropped
  int64_t computed_tokens = 0;
  double seconds = 0;  // of these steps, from building a batch to the optimizer's update
  // of one of these steps: what other load on the machine disturbs least
  double fastest_seconds = 0;
  double batch_seconds = 0;       // of `seconds`: putting batches together
  double first_step_seconds = 0;  // allocation, page faults and first use of every kernel
  double loss_first = 0, loss_last = 0;
  std::string strategy;
  int64_t planned_peak_bytes = 0;
  DiskMeasurement disk;  // of a step
};

struct StepBenchOptions {
  int64_t steps = 5;  // measured, after a first one that is not
  // Measure as if the base were larger than memory: steps with the base cached first, then the
  // disk's rate, then steps whose every pass reads the base from the disk. Needs
  // TrainOptions::stream_layers.
  bool cold = false;
};

// Runs 1 + `steps` steps (and as many again for `cold`) on batches of `files` (again from the start
// when they are few) with the options of a training run; `options.run.output` and the files that
// options name are not touched; `options.verb_times` holds the measured steps alone. `progress` is
// called after every step with the measured steps so far; what it throws ends the measurement.
// Throws UserError.
StepBenchReport BenchSteps(const LoadedModel& loaded, std::vector<ExampleFile> files,
                           const TrainOptions& options, const StepBenchOptions& bench,
                           const std::function<void(int64_t done)>& progress);

}  // namespace lacos
