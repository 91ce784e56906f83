#include "lacos/train/step_bench.h"

#include <algorithm>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/train/training_session.h"

namespace lacos {

StepBenchReport BenchSteps(const LoadedModel& loaded, std::vector<ExampleFile> files,
                           const TrainOptions& options, int64_t steps,
                           const std::function<void(int64_t done)>& progress) {
  const bool unlabelled = std::any_of(files.begin(), files.end(), [](const ExampleFile& file) {
    return file.kind == ExampleKind::kUnlabelled;
  });
  const double rate = options.dropout.value_or(unlabelled ? 0.1 : 0.0);
  const DropoutRates dropout{.embedding = rate, .attention = rate, .residual = rate};
  const TrainingData data(std::move(files), *loaded.tokenizer,
                          {.loss = options.loss.kind,
                           .tokenize = {.strip = options.strip, .max_length = options.max_length},
                           .batch = options.batch,
                           .score_maximum = options.score_maximum});
  const Epoch epoch = data.MakeEpoch(0);
  if (epoch.batches.empty()) {
    throw UserError(
        "[--train] no batch can be made: fewer than two examples that share no text; expected at least two; "
        "add data");
  }
  TrainingSession session(loaded, options, dropout,
                          data.LargestBatch(epoch, NeedsDropoutKeys(loaded, options, dropout)));
  session.RequireRoom();

  session.OpenLayerCache(loaded, {});
  StepBenchReport report{.strategy = session.plan.chosen.name,
                         .planned_peak_bytes = session.plan.chosen.peak_bytes};
  const auto batches = static_cast<int64_t>(epoch.batches.size());
  for (int64_t step = 0; step <= steps; ++step) {
    const Stopwatch watch;
    const TrainingBatch input = data.Build(epoch.batches[step % batches], step, session.needs_keys);
    const auto [loss, gradients] = session.Step(input, step, options.learning_rate);
    const double seconds = watch.Seconds();
    report.loss_last = loss.loss;
    if (step == 0) {
      report.loss_first = loss.loss;
      report.first_step_seconds = seconds;
    } else {
      ++report.steps;
      report.tokens += input.texts.Tokens();
      report.computed_tokens += session.needs_keys ? input.texts.Tokens() : input.distinct_tokens;
      report.seconds += seconds;
    }
    if (progress) progress(report.steps);
  }
  return report;
}

}  // namespace lacos
