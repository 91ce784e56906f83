// The flags of a training run, shared by `lacos train` and `lacos plan`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flags/common.h"
#include "lacos/train/trainer.h"

namespace lacos::cli {

struct TrainFlags {
  ModelOptions model;
  EncodingOptions encoding;
  TableFlags table;
  std::vector<std::string> train_files;
  std::string config;  // expanded before parsing (config_file.h)
  std::string output, dev, split = "train";
  bool hard_negatives = false;
  double data_fraction = 1;
  double epochs = 1;
  int64_t max_steps = 0, batch_size = 128;
  std::string mix = "proportional";
  std::string loss = "mnr";
  double scale = 20, margin = 5, score_max = 0;
  bool symmetric = false;
  std::vector<int64_t> matryoshka;
  int64_t lora_rank = 8;
  double lora_alpha = 16, lora_dropout = 0;
  std::vector<std::string> lora_targets = {"query_key_value"};
  std::string lora_layers;
  bool train_biases = false;
  std::optional<double> dropout;
  std::string optimizer = "adam8", schedule = "linear";
  double learning_rate = 2e-4, weight_decay = 0, max_grad_norm = 1, warmup_ratio = 0.1;
  int64_t warmup_steps = -1;
  std::string memory_budget, strategy = "auto";
  int64_t chunk_tokens = 0;
  bool stream_layers = false;
  std::string cache_layers, cache_layers_limit = "20GB";
  int64_t eval_every = 0, patience = 0, save_every = 0, keep = 2, max_bad_steps = 0;
  bool no_text_hashes = false;
  bool resume = false, overwrite = false;
};

// All flags that decide what a step computes and how much memory it takes.
void AddTrainFlags(CLI::App* command, TrainFlags& flags);

// The run that the flags describe; what they leave open comes from the model's folder. With
// `shape`, that checkpoint without weights is planned for and no folder is opened. Throws
// UserError.
TrainOptions MakeTrainOptions(const GlobalOptions& globals, const TrainFlags& flags,
                              const std::shared_ptr<BaseWeights>& shape = nullptr);

// "6GB", "1.5 GiB", "900MB", "123456" in bytes; nothing when malformed.
std::optional<int64_t> ParseSize(const std::string& text);

}  // namespace lacos::cli
