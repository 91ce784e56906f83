// Everything that training steps work on (backend, model, loss, optimizer, encoder), built in one
// place for training runs and for the benchmark of steps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/model/layer_cache.h"
#include "lacos/train/trainer.h"

namespace lacos {

// Whether dropout is active anywhere. If so, batches need dropout keys, and equal texts in a batch
// are encoded separately.
bool NeedsDropoutKeys(const LoadedModel& loaded, const TrainOptions& options,
                      const DropoutRates& dropout);

// The dropout of a run on `files`, equal in all places. Unlabelled texts have 0.1 unless `settings`
// says otherwise, since their two encodings must differ (SimCSE); other examples have none.
DropoutRates DropoutOf(const TrainSettings& settings, const std::vector<ExampleFile>& files);
// The options of the training data of a run. `settings` must be resolved.
TrainingDataOptions DataOf(const TrainSettings& settings);

struct TrainingSession {
  // The memory plan is made for a batch of the extent `largest`. Between steps, `dev_pairs` pairs
  // are scored in batches of `evaluation_tokens` tokens. `loaded` and `options` must outlive the
  // session. Throws UserError.
  TrainingSession(const LoadedModel& loaded, const TrainOptions& options,
                  const DropoutRates& dropout, const TrainingData::Extent& largest,
                  int64_t dev_pairs = 0, int64_t evaluation_tokens = 0);

  // Takes the memory of the activations. Throws UserError, which states the needed and the free
  // memory, when no strategy that the options allow fits into free memory and no `memory_budget` is
  // set to override the check, or when the system refuses the memory. Must be called before the
  // first step.
  void TakeRoom();

  // Opens the layer cache in the folder `cache_layers` for the blocks below the lowest trained one,
  // provided that there are such blocks and that they have no dropout. `tell` receives a line about
  // the outcome, and later a line about any problem with the cache. Throws UserError.
  void OpenLayerCache(const LoadedModel& loaded,
                      const std::function<void(const std::string&)>& tell);

  struct StepResult {
    LossResult loss;
    Optimizer::GradientNorm gradients;  // norm before clipping
    bool clipped = false;
    // True when the loss, a gradient or the gradients' norm is not finite. Then no update was made:
    // parameters, moments and the optimizer's step count are unchanged.
    bool bad = false;
  };
  // Makes one optimizer step: computes the batch's gradients, clips them
  // and updates the parameters.
  StepResult Step(const TrainingBatch& input, double learning_rate);

  // Returns, in ascending order, the rows of the batch whose vectors are not finite. Encodes the
  // batch once more to find them; used for the message about a bad step.
  std::vector<int64_t> NonfiniteRows(const TrainingBatch& input);

  const TrainOptions& options;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<BloomModel> model;  // includes the adapter that is trained
  std::unique_ptr<Loss> loss;
  std::unique_ptr<Optimizer> optimizer;
  MemoryPlan plan;
  std::unique_ptr<LayerCache> layer_cache;  // null when not requested or not useful
  std::unique_ptr<Encoder> encoder;
  bool needs_keys = false;  // dropout is active, so batches are built with dropout keys
};

}  // namespace lacos
