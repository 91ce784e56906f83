#include "lacos/train/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/model/streaming.h"
#include "lacos/train/losses/make_loss.h"

namespace lacos {
namespace {

constexpr int64_t kDefaultChunkTokens = 2048;  // or the backend's smallest chunk, if that is larger

double Gigabytes(int64_t bytes) { return static_cast<double>(bytes) / 1e9; }

// A batch of texts with these lengths, each with ids of its own. The last text is repeated for the
// rows that repeat a text.
PackedTexts BatchOf(const std::vector<int32_t>& lengths, int64_t rows, bool keys) {
  PackedTexts batch;
  for (size_t n = 0; n < lengths.size(); ++n) {
    batch.Add(std::vector<int32_t>(static_cast<size_t>(lengths[n]), static_cast<int32_t>(n)));
  }
  const std::vector<int32_t> repeated(static_cast<size_t>(lengths.back()),
                                      static_cast<int32_t>(lengths.size() - 1));
  for (auto n = static_cast<int64_t>(lengths.size()); n < rows; ++n) batch.Add(repeated);
  if (keys) batch.keys.assign(static_cast<size_t>(batch.Tokens()), 0);
  return batch;
}

class Planner {
 public:
  Planner(Backend& backend, std::shared_ptr<BaseWeights> base_weights, const LoraAdapter& adapter,
          const PlanRequest& request)
      : request_(request),
        backend_(backend),
        dry_(backend.MakeDry()),
        model_(*dry_, base_weights),
        loss_(MakeLoss(*dry_, request.loss, base_weights->config().hidden_size)) {
    model_.Attach(adapter, /*trainable=*/true);
    std::vector<TrainableTensor> tensors = model_.trainable();
    for (const TrainableTensor& tensor : loss_->parameters()) tensors.push_back(tensor);
    const Optimizer optimizer(*dry_, request.optimizer, tensors);
    adapter_bytes_ = optimizer.StateBytes();
    for (const TrainableTensor& tensor : tensors) {
      const auto bytes = static_cast<int64_t>(tensor.value.Bytes());
      adapter_bytes_ += static_cast<int64_t>(tensor.Bytes());
      // Checkpoints are written from a copy, and the best adapter so far is another copy. The output
      // folder is written when the activations are gone.
      if (request.checkpoints) output_bytes_ += bytes;
      if (request.evaluation_tokens > 0) output_bytes_ += bytes;
    }
    base_bytes_ = ResidentBaseBytes(*base_weights, request.encoder.streaming);
  }

  PlannedStrategy Predict(const std::string& name, const GradientStrategy& strategy) {
    PlannedStrategy planned{.name = name, .strategy = strategy};
    const StepMemory step = RunDry(strategy);
    // Read last, because the dry run has created the primitives of products.
    const BackendMemory memory = backend_.Memory();
    const int64_t resident = memory.held - request_.adapter_resident_bytes;
    // What the host holds beside the device's memory is not planned: mapped codes and copies of the
    // adapter.
    const bool on_device = memory.kind == MemoryKind::kDevice;
    const int64_t base = on_device ? static_cast<int64_t>(dry_->WeightBytes()) : base_bytes_;
    const int64_t others = on_device ? 0 : output_bytes_ + request_.evaluation_bytes;
    planned.components = {{"base", base},
                          {"adapter_and_optimizer", adapter_bytes_},
                          {"activations", step.activations},
                          {"workspace", step.workspace},
                          {"evaluation_and_output", others},
                          {"program_and_data", resident}};
    for (const auto& [component, bytes] : planned.components) planned.peak_bytes += bytes;
    if (on_device && request_.encoder.streaming != WeightStreaming::kNone &&
        planned.peak_bytes > limit_) {
      // As much of the base stays on the device as there is room for.
      const int64_t room = limit_ - (planned.peak_bytes - base);
      const auto least = static_cast<int64_t>(dry_->LeastWeightBytes());
      planned.weight_limit = std::min(base, std::max(room, least));
      // What remains of the limit beside the buffers for copies holds matrices that stay.
      if (planned.weight_limit < base)
        planned.copied_bytes = std::min(base, base - planned.weight_limit + least);
      planned.components[0].second = planned.weight_limit;
      planned.peak_bytes += planned.weight_limit - base;
    }
    // Reading a tokenizer and the examples may take more than a small model's training.
    planned.peak_bytes = std::max(planned.peak_bytes, memory.peak_held);
    // Forward and dX cost the same. Recomputing a block costs one more forward of that block, and a
    // second pass costs one more forward of all blocks.
    const double recomputed =
        static_cast<double>(strategy.recompute_blocks < 0 ? Layers() : strategy.recompute_blocks) /
        static_cast<double>(Layers());
    planned.relative_time = (2 + recomputed + (strategy.chunk_tokens > 0 ? 1 : 0)) / 2;
    return planned;
  }

  int64_t Layers() const { return model_.config().layers; }
  // The memory that a strategy may take. With streaming, less of the base stays on a device.
  void SetLimit(int64_t bytes) { limit_ = bytes; }

 private:
  struct StepMemory {
    int64_t activations = 0, workspace = 0;
  };

  StepMemory RunDry(const GradientStrategy& strategy) {
    dry_->ForgetWorkspace();
    EncoderOptions options = request_.encoder;
    options.streaming = WeightStreaming::kNone;  // a dry run reads nothing
    Encoder encoder(model_, options);
    const bool keys = request_.keys;
    GradientStep(encoder, *loss_, BatchOf(request_.lengths, request_.rows, keys),
                 request_.loss_batch, strategy);
    if (strategy.chunk_tokens > 0) RunFullChunk(encoder, strategy.chunk_tokens, keys);
    // The scratch of attention grows with the length of a text. Small batches may have longer texts
    // than the largest batch.
    if (request_.longest > *std::ranges::max_element(request_.lengths)) {
      RunChunk(encoder, {static_cast<int32_t>(request_.longest)}, /*vectors=*/1, keys);
    }
    if (request_.evaluation_tokens > 0) {
      const int64_t longest = request_.evaluation_longest,
                    texts = request_.evaluation_tokens / longest;
      const PackedTexts batch =
          BatchOf(std::vector<int32_t>(static_cast<size_t>(std::max<int64_t>(texts, 1)),
                                       static_cast<int32_t>(longest)),
                  /*rows=*/0, /*keys=*/false);
      const ArenaScope scope(encoder.arena());
      const Shape shape{batch.Texts(), model_.config().hidden_size};
      encoder.Forward(batch, encoder.arena().Allocate(dry_->Types().residual, shape));
    }
    return {.activations = static_cast<int64_t>(encoder.arena().HighWaterBytes()),
            .workspace = static_cast<int64_t>(dry_->WorkspaceBytes())};
  }

  // Runs a chunk as large as that of some batch may be, because the ends of leaves differ between
  // batches.
  void RunFullChunk(Encoder& encoder, int64_t chunk_tokens, bool keys) {
    std::vector<int32_t> lengths;
    int64_t tokens = 0;
    for (const int32_t length : request_.lengths) {
      if (tokens == chunk_tokens) break;
      lengths.push_back(static_cast<int32_t>(std::min<int64_t>(length, chunk_tokens - tokens)));
      tokens += lengths.back();
    }
    RunChunk(encoder, lengths, static_cast<int64_t>(request_.lengths.size()), keys);
  }

  // Runs texts of these lengths forward and backward, beside `vectors` vectors of a batch and their
  // gradients.
  void RunChunk(Encoder& encoder, const std::vector<int32_t>& lengths, int64_t vectors, bool keys) {
    Arena& arena = encoder.arena();
    const ArenaScope scope(arena);
    const int64_t d = model_.config().hidden_size;
    arena.Allocate(dry_->Types().residual, {vectors, d});
    const TensorView dvectors = arena.Allocate(dry_->Types().statistic, {vectors, d});
    const PackedTexts chunk = BatchOf(lengths, /*rows=*/0, keys);
    EncoderPass pass;
    encoder.Forward(chunk, arena.Allocate(dry_->Types().residual, {chunk.Texts(), d}), &pass);
    encoder.Backward(pass, dvectors.Rows(0, chunk.Texts()));
  }

  PlanRequest request_;
  const Backend& backend_;
  std::unique_ptr<DryBackend> dry_;
  BloomModel model_;
  std::unique_ptr<Loss> loss_;
  int64_t limit_ = 0;
  int64_t base_bytes_ = 0, adapter_bytes_ = 0, output_bytes_ = 0;
};

}  // namespace

double FreeShare(const BackendMemory& memory) {
  return memory.kind == MemoryKind::kDevice ? 0.95 : 0.8;
}

MemoryPlan PlanTraining(Backend& backend, std::shared_ptr<BaseWeights> base_weights,
                        LoraAdapter adapter, const PlanRequest& request) {
  Planner planner(backend, std::move(base_weights), adapter, request);
  adapter = {};
  ReturnFreeMemory();
  MemoryPlan plan;
  const BackendMemory memory = backend.Memory();
  plan.limit_bytes = request.memory_budget > 0
                         ? request.memory_budget
                         : memory.held + static_cast<int64_t>(FreeShare(memory) *
                                                              static_cast<double>(memory.free));
  planner.SetLimit(plan.limit_bytes);
  const int64_t layers = planner.Layers();
  const int64_t chunk = request.chunk_tokens > 0
                            ? request.chunk_tokens
                            : std::max(kDefaultChunkTokens, backend.SmallestChunkTokens());
  const std::string direct_word(Name(StrategyChoice::kDirect)),
      recompute_word(Name(StrategyChoice::kRecompute)),
      cached_word(Name(StrategyChoice::kGradCache));
  const auto consider = [&](const std::string& name, const GradientStrategy& strategy) {
    PlannedStrategy planned = planner.Predict(name, strategy);
    planned.fits = planned.peak_bytes <= plan.limit_bytes;
    plan.considered.push_back(planned);
    return planned;
  };
  const auto recompute_name = [&](int64_t blocks) {
    return fmt::format("{} {} of {} blocks", recompute_word, blocks, layers);
  };

  const PlannedStrategy direct = consider(direct_word, {});
  const PlannedStrategy recompute = consider(recompute_name(layers), {.recompute_blocks = layers});
  const PlannedStrategy cached = consider(cached_word, {.chunk_tokens = chunk});
  const PlannedStrategy leanest = consider(
      cached_word + ", " + recompute_word,
      {.recompute_blocks = layers, .chunk_tokens = std::min(chunk, backend.SmallestChunkTokens())});
  switch (request.choice) {
    case StrategyChoice::kDirect:
      plan.chosen = direct;
      break;
    case StrategyChoice::kRecompute:
      plan.chosen = recompute;
      break;
    case StrategyChoice::kGradCache:
      plan.chosen = cached.fits ? cached : leanest;
      break;
    case StrategyChoice::kAuto:
      if (direct.fits) {
        plan.chosen = direct;
      } else if (recompute.fits) {
        // Finds the smallest number of recomputed blocks that fits. Memory falls with every one of
        // them.
        int64_t low = 0, high = layers;
        while (high - low > 1) {
          const int64_t middle = (low + high) / 2;
          PlannedStrategy mixed =
              planner.Predict(recompute_name(middle), {.recompute_blocks = middle});
          (mixed.peak_bytes <= plan.limit_bytes ? high : low) = middle;
        }
        plan.chosen =
            high == layers ? recompute : consider(recompute_name(high), {.recompute_blocks = high});
      } else {
        plan.chosen = cached.fits ? cached : leanest;
      }
      break;
  }
  if (!plan.chosen.fits && request.memory_budget > 0) {
    throw UserError(fmt::format(
        "[`memory_budget`] {:.2f} GB is too little: '{}' needs {:.2f} GB and the leanest "
        "strategy {:.2f} GB; expected at least that; raise the budget, or lower `batch_size`, "
        "`max_length` or `chunk_tokens`",
        Gigabytes(request.memory_budget), plan.chosen.name, Gigabytes(plan.chosen.peak_bytes),
        Gigabytes(leanest.peak_bytes)));
  }
  for (const auto& [component, bytes] : plan.chosen.components) {
    if (component == "activations") plan.activation_bytes = bytes;
  }
  return plan;
}

}  // namespace lacos
