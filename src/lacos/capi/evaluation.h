// Evaluation with an open model, for both interfaces.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "lacos/base/similarity.h"
#include "lacos/capi/model_handle.h"
#include "lacos/eval/evaluation.h"
#include "lacos/model/text_prompt.h"

namespace lacos::capi {

struct ModelEvaluation {
  RolePrompts prompts;
  std::optional<Similarity> similarity;  // absent: the model's
  uint64_t seed = 42;
  std::function<void(size_t done, size_t total)> progress;  // texts; may throw to end the work
  std::function<void()> check_cancel;                       // called in long searches; may throw
};

// Encodes all texts of the tasks, which `texts` receives, and scores each task. Intervals and
// averages are not computed.
EvaluationResults EvaluateModel(const lacos_model& model, const EvaluationTasks& tasks,
                                const ModelEvaluation& options, TextTable& texts);

}  // namespace lacos::capi
