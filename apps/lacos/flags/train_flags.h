// The flags of a training run, shared by `lacos train`, `lacos plan` and `lacos bench train`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flags/common.h"
#include "lacos/train/options.h"

namespace lacos::cli {

struct TrainFlags {
  ModelOptions model;
  std::vector<std::string> train_files;
  std::string config;  // already expanded before parsing (config_file.h)
  std::string dev;
  TrainSettings settings;
  RunOptions run;
};

// Adds all flags that decide what a step computes and how much memory it needs.
void AddTrainFlags(CLI::App* command, TrainFlags& flags);
// Adds the other flags of `lacos train`: AddEvaluationFlags is called before AddTrainFlags, and
// AddCheckpointFlags after it, so that --help shows them in this order.
void AddEvaluationFlags(CLI::App* command, TrainFlags& flags);
void AddCheckpointFlags(CLI::App* command, TrainFlags& flags);

// The run that the flags describe; values that they leave open come from the model's folder. If
// `shape`, a base without weights, is given, the run is planned for it and no folder is opened.
// Throws UserError.
TrainOptions MakeTrainOptions(const GlobalOptions& globals, const TrainFlags& flags,
                              const std::shared_ptr<BaseWeights>& shape = nullptr);

}  // namespace lacos::cli
