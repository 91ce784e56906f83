// Memory before it is spent: what a training step takes under each gradient strategy, and which one
// to choose.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lacos/model/bloom_model.h"
#include "lacos/train/gradient_step.h"
#include "lacos/train/kinds.h"
#include "lacos/train/losses/loss.h"
#include "lacos/train/optimizer.h"

namespace lacos {

struct PlanRequest {
  StrategyChoice choice = StrategyChoice::kAuto;
  int64_t memory_budget = 0;  // bytes; a hard limit; 0 = 80 % of what is free
  int64_t chunk_tokens = 0;   // gradcache's chunk; 0 = 2048
  // tokens of the largest batch's texts that are computed, in row order
  std::vector<int32_t> lengths;
  int64_t rows = 0;   // that its loss sees: these texts, repeated ones as often as they occur
  bool keys = false;  // something is dropped: rows carry dropout keys
  EncoderOptions encoder;
  LossOptions loss;
  LossBatch loss_batch;  // that batch, as LossInputs::Placeholder gives it
  OptimizerOptions optimizer;
  // What else a run does between steps: dev texts encoded at a time (tokens of a batch, of its
  // longest text), and bytes that it holds meanwhile.
  int64_t evaluation_tokens = 0, evaluation_longest = 0;
  int64_t evaluation_bytes = 0;
  // What the backend, model and optimizer that were built for the run have made resident of
  // `adapter_and_optimizer`.
  int64_t adapter_resident_bytes = 0;
};

struct PlannedStrategy {
  std::string name;  // "direct", "recompute 12 of 24 blocks", ...
  GradientStrategy strategy;
  int64_t peak_bytes = 0;
  // base, adapter_and_optimizer, activations, workspace, evaluation_and_output, program_and_data
  std::vector<std::pair<std::string, int64_t>> components;
  double relative_time = 1;  // to direct, counting matrix products
  bool fits = false;
};

struct MemoryPlan {
  PlannedStrategy chosen;
  std::vector<PlannedStrategy> considered;
  // Disk that --cache-layers takes for a token, and for all texts where they are known; 0 = not
  // asked for.
  int64_t layer_cache_token_bytes = 0, layer_cache_bytes = 0;
  int64_t limit_bytes = 0;  // --memory-budget, or what this process holds and 80 % of what is free
  int64_t activation_bytes = 0;  // of the chosen strategy: room for Arena::Reserve
};

// Predicts by running the encoder's own code on a backend that computes nothing, and adds what this
// process holds already. `backend` is the one that will train, with the model on it and every
// kernel used once (rehearsal.h), so that program and libraries are as resident as they will be.
// Throws UserError when --memory-budget is below what the leanest allowed strategy needs.
MemoryPlan PlanTraining(Backend& backend, std::shared_ptr<BaseWeights> base_weights,
                        LoraAdapter adapter, const PlanRequest& request);

}  // namespace lacos
