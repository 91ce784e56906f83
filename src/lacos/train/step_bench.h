// A benchmark of training steps. It runs the same steps as a real run, without an output folder,
// dev scores and checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lacos/model/cold_base.h"
#include "lacos/train/trainer.h"

namespace lacos {

struct StepBenchReport {
  int64_t steps = 0, tokens = 0;  // counts of the measured steps, which exclude the first one
  // Smaller than `tokens` when texts repeat in a batch and dropout is off.
  int64_t computed_tokens = 0;
  double seconds = 0;  // total of the measured steps, from building a batch to the update
  // Duration of the fastest measured step: the figure that other load on the machine affects least.
  double fastest_seconds = 0;
  double batch_seconds = 0;       // the part of `seconds` spent on building batches
  int64_t device_peak_bytes = 0;  // the most memory of the device that was held; 0 on the CPU
  double first_step_seconds = 0;  // includes allocation, page faults and first use of kernels
  double loss_first = 0, loss_last = 0;
  std::string strategy;
  int64_t planned_peak_bytes = 0;
  KernelInfo kernels;    // of the backend that ran the steps
  DiskMeasurement disk;  // figures per step
};

struct StepBenchOptions {
  int64_t steps = 5;  // measured steps; one unmeasured step runs before them
  // Measures as if the base were larger than memory: first steps with the base in the page cache,
  // then the disk's rate, then steps in which every pass reads the base from the disk. Needs the
  // setting `stream_layers`.
  bool cold = false;
};

// Runs 1 + `bench.steps` steps (and `bench.steps` more for `cold`) on batches of `files` with the
// options of a training run. The batches repeat when there are fewer batches than steps.
// `options.run.output` and the files named in `options` are not touched. `options.probe.op_times`
// receives the times of the measured steps only. `progress` is called after every step with the
// number of measured steps so far; an exception from it ends the measurement. Throws UserError.
StepBenchReport BenchSteps(const LoadedModel& loaded, std::vector<ExampleFile> files,
                           const TrainOptions& options, const StepBenchOptions& bench,
                           const std::function<void(int64_t done)>& progress);

}  // namespace lacos
