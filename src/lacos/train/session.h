// What the steps of training work on, built in one place for a run and for the benchmark of its
// steps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/model/layer_cache.h"
#include "lacos/train/trainer.h"

namespace lacos {

// Whether anything is dropped in training: batches then need dropout keys, and equal texts stay
// apart.
bool NeedsDropoutKeys(const LoadedModel& loaded, const TrainOptions& options,
                      const DropoutRates& dropout);

struct TrainingSession {
  // The memory plan is made for a batch of the extent `largest`. Throws UserError. `loaded` and
  // `options` must outlive the session. `dev_pairs` are scored between steps, in batches of
  // `evaluation_tokens`.
  TrainingSession(const LoadedModel& loaded, const TrainOptions& options,
                  const DropoutRates& dropout, const TrainingData::Extent& largest,
                  int64_t dev_pairs = 0, int64_t evaluation_tokens = 0);

  // Throws UserError, with what is needed and what is free, when no strategy that the options allow
  // fits into free memory and no --memory-budget says to go on. To be called before the first step.
  void RequireRoom() const;

  // Opens options.cache_layers for the blocks below the lowest trained one, where there are any and
  // nothing is dropped in them; `tell` gets a line about that, and later ones about trouble. Throws
  // UserError.
  void OpenLayerCache(const LoadedModel& loaded,
                      const std::function<void(const std::string&)>& tell);

  struct StepResult {
    LossResult loss;
    Optimizer::GradientNorm gradients;  // before clipping
    bool clipped = false;
    // The loss, a gradient or the gradients' norm is not finite: there was no update. Parameters,
    // moments and the optimizer's count of steps are as they were.
    bool bad = false;
  };
  // One optimizer step: gradients of the batch, clipping, update.
  StepResult Step(const TrainingBatch& input, double learning_rate);

  // Rows of the batch whose vectors are not finite, in order: encoded once more, for the message
  // about a bad step.
  std::vector<int64_t> NonfiniteRows(const TrainingBatch& input);

  const TrainOptions& options;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<BloomModel> model;  // with the adapter that is trained
  std::unique_ptr<Loss> loss;
  std::unique_ptr<Optimizer> optimizer;
  MemoryPlan plan;
  std::unique_ptr<LayerCache> layer_cache;  // absent: not asked for, or of no use
  std::unique_ptr<Encoder> encoder;
  bool needs_keys = false;  // something is dropped: batches are built with dropout keys
};

}  // namespace lacos
