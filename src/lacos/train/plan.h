// The memory plan: how much memory a training step will take under each gradient strategy, and
// which strategy to choose.
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
  int64_t memory_budget = 0;  // a hard limit in bytes; 0 for 80 % of free memory
  int64_t chunk_tokens = 0;   // chunk size for GradCache; 0 for 2048
  // The numbers of tokens of the texts that are computed in the largest batch, in row order.
  std::vector<int32_t> lengths;
  int64_t longest = 0;  // tokens of the longest text of the run, which may be in another batch
  int64_t rows = 0;     // rows that its loss sees; repeated texts count as often as they occur
  bool keys = false;    // whether dropout is active, so that rows carry dropout keys
  EncoderOptions encoder;
  LossOptions loss;
  LossBatch loss_batch;  // the largest batch, made by LossInputs::Placeholder
  OptimizerOptions optimizer;
  bool checkpoints = false;  // whether checkpoints are written between steps
  // Evaluation between steps: the tokens of a batch of dev texts, the tokens of the longest dev
  // text, and the bytes that the evaluation holds.
  int64_t evaluation_tokens = 0, evaluation_longest = 0;
  int64_t evaluation_bytes = 0;
  // The part of `adapter_and_optimizer` that is already resident, since the backend, model and
  // optimizer were built for the run.
  int64_t adapter_resident_bytes = 0;
};

struct PlannedStrategy {
  std::string name;  // such as "direct" or "recompute 12 of 24 blocks"
  GradientStrategy strategy;
  int64_t peak_bytes = 0;
  // base, adapter_and_optimizer, activations, workspace, evaluation_and_output, program_and_data
  std::vector<std::pair<std::string, int64_t>> components;
  double relative_time = 1;  // matrix products relative to the direct strategy
  int64_t weight_limit = 0;  // bytes of the base that stay on a device if not all do, else 0
  int64_t copied_bytes = 0;  // bytes of the base that are then copied to it in each pass
  bool fits = false;
};

struct MemoryPlan {
  PlannedStrategy chosen;
  std::vector<PlannedStrategy> considered;
  // The bytes on disk that the layer cache takes for a token, and for all texts if they are known;
  // 0 if no cache is asked for.
  int64_t layer_cache_token_bytes = 0, layer_cache_bytes = 0;
  int64_t limit_bytes = 0;  // --memory-budget, or what this process holds and 80 % of what is free
  int64_t activation_bytes = 0;  // activations of the chosen strategy, for Arena::Reserve
};

// The share of free memory that a run may take. Other programs on a machine grow; on a GPU there are
// few, and what does not fit there fails at once.
double FreeShare(const BackendMemory& memory);

// Predicts memory by running the encoder's own code on a backend that computes nothing, and adds
// the memory that this process already holds. `backend` is the one that will train. The model is on
// it and every kernel has been used once (rehearsal.h), so that program and libraries are as
// resident as they will be. Throws UserError if the memory budget is below the need of the leanest
// allowed strategy.
MemoryPlan PlanTraining(Backend& backend, std::shared_ptr<BaseWeights> base_weights,
                        LoraAdapter adapter, const PlanRequest& request);

}  // namespace lacos
