// The flags of `lacos eval`, and the system that it measures: a model, the vectors of any other system,
// or a floor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flags/common.h"
#include "lacos/eval/measured_system.h"
#include "lacos/eval/measures/bootstrap.h"
#include "lacos/eval/tasks/tasks.h"
#include "terminal/output.h"

namespace lacos::cli {

struct EvalFlags {
  ModelOptions model;
  EncodingOptions encoding;
  EmbedOptions embed;
  TableFlags table;
  std::string task = "sts", split = "test", train_data;
  std::vector<std::string> data, suites, compare, leak_check;
  std::string suite_folder, embeddings, about, floor, texts_output, cache, output;
  std::optional<Similarity> similarity;
  bool skip_missing = false, keep_identical_ids = false, overwrite = false;
  ClassificationProtocol classification;
  BootstrapOptions bootstrap;
};

struct System {
  std::unique_ptr<SentenceEncoder> embedder;  // the model of --model, or null
  std::unique_ptr<Backend> backend;           // used if there is no embedder
  MeasuredSystem measured;

  Backend& backend_in_use() { return embedder ? embedder->backend() : *backend; }
  const ModelFolder* model_folder() const { return embedder ? &embedder->folder() : nullptr; }
};
System MakeSystem(const GlobalOptions& globals, const EvalFlags& flags, const TextTable& texts,
                  PeakMemory& memory);

}  // namespace lacos::cli
