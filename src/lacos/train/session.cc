#include "lacos/train/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/timed_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/layer_cache_key.h"
#include "lacos/model/streaming.h"
#include "lacos/train/losses/make_loss.h"
#include "lacos/train/rehearsal.h"

namespace lacos {

bool NeedsDropoutKeys(const LoadedModel& loaded, const TrainOptions& options,
                      const DropoutRates& dropout) {
  const double lora_dropout =
      loaded.adapter ? loaded.adapter->settings.dropout : options.settings.lora_dropout;
  return dropout.Any() || lora_dropout > 0;
}

DropoutRates DropoutOf(const TrainSettings& settings, const std::vector<ExampleFile>& files) {
  const bool unlabelled = std::ranges::any_of(
      files, [](const ExampleFile& file) { return file.kind == ExampleKind::kUnlabelled; });
  const double rate = settings.dropout.value_or(unlabelled ? 0.1 : 0.0);
  return {.embedding = rate, .attention = rate, .residual = rate};
}

TrainingDataOptions DataOf(const TrainSettings& settings) {
  return {.loss = settings.loss,
          .tokenize = {.strip = *settings.strip, .max_length = *settings.max_length},
          .batch = BatchesOf(settings),
          .score_maximum = settings.score_max};
}

TrainingSession::TrainingSession(const LoadedModel& loaded, const TrainOptions& train_options,
                                 const DropoutRates& dropout, const TrainingData::Extent& largest,
                                 int64_t dev_pairs, int64_t evaluation_tokens)
    : options(train_options) {
  EncoderOptions encoder_options{.pooling = *options.settings.pooling, .dropout = dropout};
  if (options.settings.stream_layers) {
    encoder_options.streaming =
        options.probe.cold ? WeightStreaming::kDropCached : ChooseStreaming(*loaded.base_weights);
  }
  RehearseStep(options, *loaded.base_weights, encoder_options);
  backend = MakeBackend({.device = options.device, .compute = options.settings.compute});
  if (options.probe.op_times != nullptr)
    backend = MakeTimedBackend(std::move(backend), *options.probe.op_times);
  model = std::make_unique<BloomModel>(*backend, loaded.base_weights);
  LoraAdapter adapter = StartingAdapter(loaded, AdapterOf(options.settings), options.settings.seed);
  ReturnFreeMemory();
  const int64_t held_before = backend->Memory().held;
  model->Attach(adapter, /*trainable=*/true);
  needs_keys = NeedsDropoutKeys(loaded, options, dropout);
  loss = MakeLoss(*backend, ObjectiveOf(options.settings), model->config().hidden_size);
  std::vector<TrainableTensor> tensors = model->trainable();
  for (const TrainableTensor& tensor : loss->parameters()) tensors.push_back(tensor);
  optimizer =
      std::make_unique<Optimizer>(*backend, OptimizerOf(options.settings), std::move(tensors));
  const int64_t adapter_resident = backend->Memory().held - held_before;

  const int64_t dimension = model->config().hidden_size;
  plan = PlanTraining(
      *backend, loaded.base_weights, std::move(adapter),
      {.choice = options.settings.gradient_strategy,
       .memory_budget = options.settings.memory_budget,
       .chunk_tokens = options.settings.chunk_tokens,
       .lengths = largest.lengths,
       .longest = largest.longest,
       .rows = largest.rows,
       .keys = needs_keys,
       .encoder = encoder_options,
       .loss = ObjectiveOf(options.settings),
       .loss_batch =
           DescribeLoss(options.settings.loss).inputs.Placeholder(largest.examples, largest.rows),
       .optimizer = OptimizerOf(options.settings),
       .checkpoints = options.run.save_every > 0,
       .evaluation_tokens = dev_pairs > 0 ? evaluation_tokens : 0,
       .evaluation_longest = std::min(*options.settings.max_length, evaluation_tokens),
       // The vectors of both texts of every dev pair, as f32.
       .evaluation_bytes = 2 * dev_pairs * dimension * static_cast<int64_t>(sizeof(float)),
       .adapter_resident_bytes = adapter_resident});
  encoder = std::make_unique<Encoder>(*model, encoder_options);
}

void TrainingSession::TakeRoom() {
  if (plan.chosen.fits && plan.chosen.weight_limit > 0)
    backend->LimitWeights(static_cast<size_t>(plan.chosen.weight_limit));
  const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
  std::string reason =
      fmt::format("what it holds already and {:.0f} % of the free memory are {:.2f} GB",
                  100 * FreeShare(backend->Memory()), gigabytes(plan.limit_bytes));
  if (plan.chosen.fits) {
    try {
      encoder->arena().Reserve(static_cast<size_t>(plan.activation_bytes));
      return;
    } catch (const std::bad_alloc&) {
      reason = fmt::format("the system refused {:.2f} GB in one piece",
                           gigabytes(plan.activation_bytes));
    }
  } else if (options.settings.memory_budget > 0) {
    return;
  }
  std::string others;
  for (const PlannedStrategy& strategy : plan.considered) {
    if (strategy.fits && strategy.peak_bytes < plan.chosen.peak_bytes)
      others = fmt::format(", use `gradient_strategy` auto ('{}' fits)", strategy.name);
  }
  throw UserError(fmt::format(
      "[memory] this run needs {:.2f} GB ('{}'), but {}; expected a run that fits; lower `batch_size`, "
      "`max_length` or `chunk_tokens`{}{}, or say with `memory_budget` how much it may take",
      gigabytes(plan.chosen.peak_bytes), plan.chosen.name, reason,
      options.settings.stream_layers ? "" : ", use `stream_layers`", others));
}

void TrainingSession::OpenLayerCache(const LoadedModel& loaded,
                                     const std::function<void(const std::string&)>& tell) {
  if (options.settings.cache_layers.empty()) return;
  const int64_t blocks = encoder->LowestBlock();
  if (blocks == 0 || encoder->options().dropout.Any()) {
    if (tell) {
      tell(blocks == 0
               ? "`cache_layers` has nothing to keep: layer 0 is trained; see `lora_layers`"
               : "`cache_layers` has nothing to keep: `dropout` changes every layer's states");
    }
    return;
  }
  layer_cache = std::make_unique<LayerCache>(
      LayerCacheOptions{.folder = options.settings.cache_layers,
                        .limit_bytes = options.settings.cache_layers_limit,
                        .tell = tell},
      LayerCacheIdentity(*loaded.base_weights, *backend, options.settings.compute, blocks,
                         options.settings.cache_layers),
      model->config().hidden_size * static_cast<int64_t>(SizeOf(backend->Types().residual)));
  encoder->options().layer_cache = layer_cache.get();
  if (tell) {
    tell(fmt::format("layer cache {}: the states of {} texts after layer {}, {:.2f} GB",
                     layer_cache->path(), layer_cache->texts(), blocks - 1,
                     static_cast<double>(layer_cache->bytes()) / 1e9));
  }
}

TrainingSession::StepResult TrainingSession::Step(const TrainingBatch& input,
                                                  double learning_rate) {
  StepResult result;
  result.loss = GradientStep(*encoder, *loss, input.texts, input.loss, plan.chosen.strategy);
  result.gradients = optimizer->MeasureGradients();
  result.bad = !std::isfinite(result.loss.loss) || !std::isfinite(result.gradients.norm) ||
               result.gradients.nonfinite > 0;
  if (result.bad) return result;
  // Adding 1e-6 to the denominator is what torch.nn.utils.clip_grad_norm_ does.
  const double clip =
      options.settings.max_grad_norm > 0
          ? std::min(1.0, options.settings.max_grad_norm / (result.gradients.norm + 1e-6))
          : 1.0;
  result.clipped = clip < 1;
  optimizer->Step(learning_rate, clip);
  return result;
}

std::vector<int64_t> TrainingSession::NonfiniteRows(const TrainingBatch& input) {
  // Texts are encoded in groups of about this many tokens. A forward pass saves nothing for
  // backward, so a group fits into the memory that was planned for a step.
  constexpr int64_t kTokens = 2048;
  const PackedTexts& texts = input.texts;
  Arena& arena = encoder->arena();
  std::vector<int64_t> rows;
  for (int64_t begin = 0, end = 0; begin < texts.Texts(); begin = end) {
    for (end = begin + 1;
         end < texts.Texts() && texts.offsets[end + 1] - texts.offsets[begin] <= kTokens;) {
      ++end;
    }
    const ArenaScope scope(arena);
    const int64_t dimension = model->config().hidden_size;
    const TensorView vectors = arena.Allocate(backend->Types().residual, {end - begin, dimension});
    encoder->Forward(texts.Slice(begin, end), vectors);
    const std::vector<float> values = DownloadFloats(*backend, vectors);
    for (int64_t row = begin; row < end; ++row) {
      const auto first = values.begin() + (row - begin) * dimension;
      if (!std::all_of(first, first + dimension,
                       [](float value) { return std::isfinite(value); })) {
        rows.push_back(row);
      }
    }
  }
  return rows;
}

}  // namespace lacos
