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
  std::string config;  // expanded before parsing (config_file.h)
  std::string dev;
  TrainSettings settings;
  RunOptions run;
};

// All flags that decide what a step computes and how much memory it takes.
void AddTrainFlags(CLI::App* command, TrainFlags& flags);
// The others of `lacos train`: before those, and after them.
void AddEvaluationFlags(CLI::App* command, TrainFlags& flags);
void AddCheckpointFlags(CLI::App* command, TrainFlags& flags);

// The run that the flags describe; what they leave open comes from the model's folder. With
// `shape`, that base without weights is planned for and no folder is opened. Throws UserError.
TrainOptions MakeTrainOptions(const GlobalOptions& globals, const TrainFlags& flags,
                              const std::shared_ptr<BaseWeights>& shape = nullptr);

}  // namespace lacos::cli
