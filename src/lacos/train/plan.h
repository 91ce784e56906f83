// Memory before it is spent: what a training step takes under each gradient strategy, and which one to
// choose.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lacos/model/bloom_model.h"
#include "lacos/train/gradient_step.h"
#include "lacos/train/losses.h"
#include "lacos/train/optimizer.h"

namespace lacos {

enum class StrategyChoice : uint8_t { kAuto, kDirect, kRecompute, kGradCache };
constexpr std::string_view Name(StrategyChoice choice) {
  switch (choice) {
    case StrategyChoice::kAuto:
      return "auto";
    case StrategyChoice::kDirect:
      return "direct";
    case StrategyChoice::kRecompute:
      return "recompute";
    case StrategyChoice::kGradCache:
      return "gradcache";
  }
  return "?";
}

struct PlanRequest {
  StrategyChoice choice = StrategyChoice::kAuto;
  int64_t memory_budget = 0;      // bytes; a hard limit; 0 = 80 % of what is free
  int64_t chunk_tokens = 0;       // gradcache's chunk; 0 = 2048
  int64_t tokens = 0, texts = 0;  // of the largest batch: those that are computed
  int64_t rows = 0;               // that its loss sees: the texts, repeated ones as often as they occur
  int64_t longest = 0;            // tokens of the longest text
  EncoderOptions encoder;
  LossOptions loss;
  LossBatch loss_shape;  // examples and negatives of that batch
  OptimizerOptions optimizer;
  int64_t resident_bytes = 0;  // program and data, before any weight is touched
};

struct PlannedStrategy {
  std::string name;  // "direct", "recompute 12 of 24 blocks", ...
  GradientStrategy strategy;
  int64_t peak_bytes = 0;
  std::vector<std::pair<std::string, int64_t>> components;  // base, adapter, activations, workspace, program
  double relative_time = 1;                                 // to direct, counting matrix products
  bool fits = false;
};

struct MemoryPlan {
  PlannedStrategy chosen;
  std::vector<PlannedStrategy> considered;
  int64_t limit_bytes = 0;
  // Disk that --cache-layers takes for a token, and for all texts where they are known; 0 = not asked for.
  int64_t layer_cache_token_bytes = 0, layer_cache_bytes = 0;
};

// Predicts by running the encoder's own code on a backend that computes nothing. `backend` is the one that
// will train. Throws UserError when --memory-budget is below what the leanest allowed strategy needs.
MemoryPlan PlanTraining(Backend& backend, std::shared_ptr<Checkpoint> checkpoint, const LoraAdapter& adapter,
                        const PlanRequest& request);

// Bytes of the pages that a pass over all blocks maps in: every matrix but the word embedding; `streamed`,
// those of one block at a time.
int64_t ResidentBaseBytes(const Checkpoint& checkpoint, bool streamed = false);

}  // namespace lacos
