// The events of a training run, which observers receive: steps, dev scores, checkpoints and
// messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lacos {

class TrainingData;
struct MemoryPlan;

// The values in a step that were not finite. Such a step has no update.
struct BadNumbers {
  int64_t gradient_values = 0;  // number of NaN or infinite gradient values
  std::string tensor;           // the first tensor with such a gradient, or empty
  // "file:line" of the texts whose vectors are not finite, or of all texts if every vector is
  // finite.
  std::vector<std::string> places;
  bool vectors = false;  // whether some vectors are not finite
};

// The record of one step, as in metrics.jsonl. The loss and the norm may be NaN or infinite if the
// step is bad.
struct StepRecord {
  int64_t step = 0, total_steps = 0, epoch = 0;
  double loss = 0, accuracy = -1, learning_rate = 0;
  double gradient_norm = 0;      // before clipping
  bool clipped = false;          // whether the gradient norm exceeded max_grad_norm
  int64_t tokens = 0;            // tokens in this step's texts, repeated texts included
  int64_t texts = 0;             // rows of the batch: anchors, positives and negatives
  int64_t truncated = 0;         // texts longer than max_length
  double tokens_per_second = 0;  // tokens in this step divided by its duration
  double seconds = 0;            // time since this process began training
  int64_t rss_bytes = 0, peak_rss_bytes = 0;
  std::optional<BadNumbers> bad;  // present if the step had no update
};

struct EvaluationRecord {
  int64_t step = 0;
  double spearman = 0, pearson = 0;  // times 100; NaN if undefined (constant similarities)
  bool best = false;
};

// Receives all events of a run. The command line shows them, and metrics.jsonl records them.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void OnStart(const TrainingData&, const MemoryPlan&, int64_t /*first_step*/,
                       int64_t /*total_steps*/) {}
  virtual void OnStep(const StepRecord&) {}
  virtual void OnEvaluation(const EvaluationRecord&) {}
  virtual void OnCheckpoint(int64_t /*step*/, const std::string& /*folder*/) {}
  // An event worth a line: the run resumed, fell back, or stopped early.
  virtual void OnMessage(const std::string&) {}
  // An event that deserves attention: a step without update.
  virtual void OnWarning(const std::string&) {}
};

}  // namespace lacos
