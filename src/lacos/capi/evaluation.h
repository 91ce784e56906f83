// Evaluations for both interfaces: of an open model, of the vectors of another system, or of a floor.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lacos/base/similarity.h"
#include "lacos/capi/model_handle.h"
#include "lacos/eval/evaluation.h"
#include "lacos/io/output.h"
#include "lacos/model/text_prompt.h"

namespace lacos::capi {

struct EvaluationCall {
  // One of these is measured.
  const lacos_model* model = nullptr;
  OtherSystem other;  // if it has embeddings
  std::optional<Floor> floor;

  EvaluationData data;
  RolePrompts prompts;
  std::optional<Similarity> similarity;  // absent: the model's, else cosine
  uint64_t seed = 42;
  // Whether the results also get averages, intervals, overlap and worst pairs (CompleteResults), as
  // they always do if there is an output.
  bool complete = true;
  BootstrapOptions bootstrap;
  std::vector<std::string> leak_check;
  std::string cache;      // the folder where a model's vectors are kept between runs; "" for none
  std::string output;     // the folder for the results; "" for none
  OutputOptions writing;  // overwrite, and the caller's part of run.json
  std::function<void(size_t done, size_t total)> progress;  // texts; may throw to end the work
  std::function<void()> check_cancel;                       // may throw to end the work
  // Receive what a user should hear; both may be empty.
  std::function<void(const std::string&)> on_note, on_warning;
};

// Collects the texts of the tasks, gets their vectors, and scores them.
EvaluationResults RunEvaluation(const EvaluationCall& call);

// The distinct texts of the data, in the order in which `other` has their vectors.
TextTable TextsOf(const EvaluationCall& call);

}  // namespace lacos::capi
