// What a training run tells while it goes on: its steps, dev scores, checkpoints and messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lacos {

class TrainingData;
struct MemoryPlan;

// What was not finite in a step, which therefore had no update.
struct BadNumbers {
  int64_t gradient_values = 0;  // number of NaN or infinite gradient values
  std::string tensor;           // the first tensor with such a gradient, or empty
  // "file:line" of the texts whose vectors are not finite; of all texts where every vector is.
  std::vector<std::string> places;
  bool vectors = false;  // some vectors are not finite
};

// One step's record, as in metrics.jsonl. The loss and the norm may be NaN or infinite where the
// step is bad.
struct StepRecord {
  int64_t step = 0, total_steps = 0, epoch = 0;
  double loss = 0, accuracy = -1, learning_rate = 0;
  double gradient_norm = 0;      // before clipping
  bool clipped = false;          // the gradients were longer than max_grad_norm
  int64_t tokens = 0;            // in this step's texts, repeated texts as often as they occur
  int64_t texts = 0;             // rows of the batch: anchors, positives and negatives
  int64_t truncated = 0;         // texts longer than max_length
  double tokens_per_second = 0;  // speed of this step
  double seconds = 0;            // time since this process began training
  int64_t rss_bytes = 0, peak_rss_bytes = 0;
  std::optional<BadNumbers> bad;  // present where the step had no update
};

struct EvaluationRecord {
  int64_t step = 0;
  double spearman = 0, pearson = 0;  // x 100; NaN where undefined (constant similarities)
  bool best = false;
};

// Told of everything that happens; the command line shows it, metrics.jsonl records it.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void OnStart(const TrainingData&, const MemoryPlan&, int64_t /*first_step*/,
                       int64_t /*total_steps*/) {}
  virtual void OnStep(const StepRecord&) {}
  virtual void OnEvaluation(const EvaluationRecord&) {}
  virtual void OnCheckpoint(int64_t /*step*/, const std::string& /*folder*/) {}
  // Something worth a line: resumed, fell back, stopped early.
  virtual void OnMessage(const std::string&) {}
  // Something that should be looked into: a step without update.
  virtual void OnWarning(const std::string&) {}
};

}  // namespace lacos
