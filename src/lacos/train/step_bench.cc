#include "lacos/train/step_bench.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/kernels/timed_backend.h"
#include "lacos/train/session.h"

namespace lacos {
namespace {

struct StepCost {
  double seconds = 0;
  double batch_seconds = 0;  // the part of `seconds` spent on building the batch
  int64_t tokens = 0, computed_tokens = 0;
};

}  // namespace

StepBenchReport BenchSteps(const LoadedModel& loaded, std::vector<ExampleFile> files,
                           const TrainOptions& options, const StepBenchOptions& bench,
                           const std::function<void(int64_t done)>& progress) {
  const DropoutRates dropout = DropoutOf(options.settings, files);
  const TrainingData data(std::move(files), *loaded.tokenizer, DataOf(options.settings));
  const Epoch epoch = data.MakeEpoch(0);
  const auto batches = static_cast<int64_t>(epoch.batches.size());
  // The first step is not measured, and the measured ones begin with the second batch.
  const auto reached =
      std::span(epoch.batches).first(static_cast<size_t>(std::min(batches, bench.steps + 1)));
  TrainingSession session(loaded, options, dropout,
                          data.LargestBatch(reached, NeedsDropoutKeys(loaded, options, dropout)));
  session.TakeRoom();
  session.OpenLayerCache(loaded, {});
  StepBenchReport report{.strategy = session.plan.chosen.name,
                         .planned_peak_bytes = session.plan.chosen.peak_bytes};
  const auto run = [&](int64_t step) {
    const Stopwatch watch;
    const TrainingBatch input = data.Build(epoch.batches[step % batches], step, session.needs_keys);
    const double batch_seconds = watch.Seconds();
    const TrainingSession::StepResult result = session.Step(input, *options.settings.learning_rate);
    if (result.bad) {
      throw UserError(fmt::format(
          "[step {}] the loss is {}, and {} gradient values are not finite; expected finite "
          "numbers; use `compute` f32, or check the weights",
          step + 1, result.loss.loss, result.gradients.nonfinite));
    }
    report.loss_last = result.loss.loss;
    if (step == 0) report.loss_first = result.loss.loss;
    return StepCost{watch.Seconds(), batch_seconds, input.texts.Tokens(),
                    session.needs_keys ? input.texts.Tokens() : input.distinct_tokens};
  };
  report.first_step_seconds = run(0).seconds;
  if (progress) progress(0);
  if (bench.cold) {
    // The warm steps use the same batches as the cold steps that are measured below.
    report.disk = PrepareCold(*session.encoder, [&] {
      for (int64_t step = 1; step <= bench.steps; ++step) {
        run(step);
        if (progress) progress(0);
      }
    });
    report.disk.compute_seconds /= static_cast<double>(bench.steps);
  }
  if (options.probe.op_times != nullptr) options.probe.op_times->Clear();
  const int64_t before = DiskBytesRead();
  for (int64_t step = 1; step <= bench.steps; ++step) {
    const StepCost cost = run(step);
    report.fastest_seconds =
        step == 1 ? cost.seconds : std::min(report.fastest_seconds, cost.seconds);
    ++report.steps;
    report.tokens += cost.tokens;
    report.computed_tokens += cost.computed_tokens;
    report.seconds += cost.seconds;
    report.batch_seconds += cost.batch_seconds;
    if (progress) progress(report.steps);
  }
  report.disk.bytes = (DiskBytesRead() - before) / bench.steps;
  const BackendMemory memory = session.backend->Memory();
  if (memory.kind == MemoryKind::kDevice) report.device_peak_bytes = memory.peak_held;
  report.kernels = session.backend->Describe();
  return report;
}

}  // namespace lacos
