// The metrics.jsonl of a run: one line for each step or evaluation. It is kept consistent with the
// checkpoint from which a run resumes.
#pragma once

#include <fstream>
#include <string>

#include "lacos/train/observer.h"

namespace lacos {

class Json;

// Drops the lines of steps after `step`, and everything after a line that is incomplete because its
// run was killed. Throws UserError for a file that cannot be read or written.
void KeepMetricsUpTo(const std::string& path, int64_t step);

class MetricsLog final : public TrainObserver {
 public:
  explicit MetricsLog(std::string path) : path_(std::move(path)) {}

  // Drops the lines of steps after `first_step`, which are about to be repeated, and opens the file
  // for appending.
  void OnStart(const TrainingData& data, const MemoryPlan& plan, int64_t first_step,
               int64_t total_steps) override;
  void OnStep(const StepRecord& record) override;
  void OnEvaluation(const EvaluationRecord& record) override;

 private:
  void WriteLine(const Json& line);
  std::string path_;
  std::ofstream file_;
};

}  // namespace lacos
