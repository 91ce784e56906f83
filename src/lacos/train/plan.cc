#include "lacos/train/plan.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "lacos/base/error.h"
#include "lacos/base/process.h"

namespace lacos {
namespace {

constexpr int64_t kDefaultChunkTokens = 2048;

double Gigabytes(int64_t bytes) { return static_cast<double>(bytes) / 1e9; }

// A batch of the asked extent: one text of the longest length, the rest even, each with ids of its own; then
// the last one over again for the rows that repeat a text.
PackedTexts SyntheticBatch(int64_t tokens, int64_t texts, int64_t rows, int64_t longest, bool keys) {
  PackedTexts batch;
  texts = std::max<int64_t>(texts, 1);
  int64_t left = tokens;
  for (int64_t n = 0; n < texts; ++n) {
    const int64_t rest = texts - n;
    int64_t length = n == 0 && longest > 0 ? std::min(longest, left) : left / rest;
    if (rest == 1) length = left;
    const std::vector<int32_t> ids(static_cast<size_t>(length), static_cast<int32_t>(n));
    batch.Add(ids);
    left -= length;
  }
  const std::span<const int32_t> last = batch.Text(texts - 1);
  const std::vector<int32_t> repeated(last.begin(), last.end());
  for (int64_t n = texts; n < rows; ++n) batch.Add(repeated);
  if (keys) batch.keys.assign(batch.ids.size(), 0);
  return batch;
}

class Planner {
 public:
  Planner(Backend& backend, std::shared_ptr<Checkpoint> checkpoint, const LoraAdapter& adapter,
          const PlanRequest& request)
      : request_(request),
        dry_(MakeDryBackend(backend.Types())),
        model_(*dry_, checkpoint),
        loss_(MakeLoss(*dry_, request.loss, checkpoint->config().hidden_size)) {
    model_.Attach(adapter, /*trainable=*/true);
    std::vector<TrainableTensor> tensors = model_.trainable();
    for (const TrainableTensor& tensor : loss_->parameters()) tensors.push_back(tensor);
    const Optimizer optimizer(*dry_, request.optimizer, tensors);
    adapter_bytes_ = optimizer.StateBytes();
    for (const TrainableTensor& tensor : tensors)
      adapter_bytes_ += static_cast<int64_t>(2 * tensor.value.Bytes());
    base_bytes_ = ResidentBaseBytes(*checkpoint, request.encoder.streaming != WeightStreaming::kNone);
    for (const BlockLayer& block : model_.blocks()) {
      for (const LinearLayer* layer :
           {&block.query_key_value, &block.dense, &block.dense_h_to_4h, &block.dense_4h_to_h}) {
        // The same matrices in the same order were given to the training backend.
        for (const Orientation orientation : {Orientation::kForward, Orientation::kBackward}) {
          workspace_bytes_ = std::max(workspace_bytes_, static_cast<int64_t>(backend.WorkspaceBytes(
                                                            layer->weight, request.tokens, orientation)));
        }
      }
    }
  }

  PlannedStrategy Predict(const std::string& name, const GradientStrategy& strategy) {
    Encoder encoder(model_, request_.encoder);
    const PackedTexts batch = SyntheticBatch(request_.tokens, request_.texts, request_.rows, request_.longest,
                                             request_.encoder.dropout.Any());
    GradientStep(encoder, *loss_, batch, request_.loss_shape, strategy);
    const auto activations = static_cast<int64_t>(encoder.arena().HighWaterBytes());
    PlannedStrategy planned{.name = name, .strategy = strategy};
    planned.components = {{"base", base_bytes_},
                          {"adapter_and_optimizer", adapter_bytes_},
                          {"activations", activations},
                          {"workspace", workspace_bytes_},
                          {"program_and_data", request_.resident_bytes}};
    for (const auto& [component, bytes] : planned.components) planned.peak_bytes += bytes;
    // Forward and dX cost the same; recomputing a block costs one more forward of it, a second pass one of
    // all.
    const double recomputed =
        static_cast<double>(strategy.recompute_blocks < 0 ? Layers() : strategy.recompute_blocks) /
        static_cast<double>(Layers());
    planned.relative_time = (2 + recomputed + (strategy.chunk_tokens > 0 ? 1 : 0)) / 2;
    return planned;
  }

  int64_t Layers() const { return model_.config().layers; }

 private:
  PlanRequest request_;
  std::unique_ptr<Backend> dry_;
  BloomModel model_;
  std::unique_ptr<Loss> loss_;
  int64_t base_bytes_ = 0, adapter_bytes_ = 0, workspace_bytes_ = 0;
};

}  // namespace

int64_t ResidentBaseBytes(const Checkpoint& checkpoint, bool streamed) {
  int64_t all = 0, vectors = 0, largest_block = 0;
  std::map<std::string, int64_t> blocks;  // by "h.N."
  for (const TensorSpec& spec : ListTensors(checkpoint.config())) {
    if (spec.kind == "word_embeddings") continue;
    int64_t bytes = checkpoint.Tensor(spec.name).entry.bytes;
    // Single matrices of a quantised folder may have kept their type (bitsandbytes' llm_int8_skip_modules).
    if (spec.IsMatrix() && checkpoint.Matrix(spec.name).scheme != QuantScheme::kNone) {
      bytes += checkpoint.Tensor(spec.name + ".absmax").entry.bytes;
    }
    all += bytes;
    if (spec.IsMatrix()) {
      int64_t& block = blocks[spec.name.substr(0, spec.name.find('.', 2))];
      largest_block = std::max(largest_block, block += bytes);
    } else {
      vectors += bytes;
    }
  }
  return streamed ? vectors + largest_block : all;
}

MemoryPlan PlanTraining(Backend& backend, std::shared_ptr<Checkpoint> checkpoint, const LoraAdapter& adapter,
                        const PlanRequest& request) {
  Planner planner(backend, std::move(checkpoint), adapter, request);
  MemoryPlan plan;
  plan.limit_bytes =
      request.memory_budget > 0
          ? request.memory_budget
          : request.resident_bytes + static_cast<int64_t>(0.8 * static_cast<double>(AvailableMemoryBytes()));
  const int64_t layers = planner.Layers();
  const int64_t chunk = request.chunk_tokens > 0 ? request.chunk_tokens : kDefaultChunkTokens;
  const auto consider = [&](const std::string& name, const GradientStrategy& strategy) {
    PlannedStrategy planned = planner.Predict(name, strategy);
    planned.fits = planned.peak_bytes <= plan.limit_bytes;
    plan.considered.push_back(planned);
    return planned;
  };
  const auto recompute_name = [&](int64_t blocks) {
    return fmt::format("recompute {} of {} blocks", blocks, layers);
  };

  const PlannedStrategy direct = consider("direct", {});
  const PlannedStrategy recompute = consider(recompute_name(layers), {.recompute_blocks = layers});
  const PlannedStrategy cached = consider("gradcache", {.chunk_tokens = chunk});
  const PlannedStrategy leanest = consider(
      "gradcache, recompute", {.recompute_blocks = layers, .chunk_tokens = std::min(chunk, kLeafTokens)});
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
        // The fewest recomputed blocks that fit: memory falls with every one of them.
        int64_t low = 0, high = layers;
        while (high - low > 1) {
          const int64_t middle = (low + high) / 2;
          PlannedStrategy mixed = planner.Predict(recompute_name(middle), {.recompute_blocks = middle});
          (mixed.peak_bytes <= plan.limit_bytes ? high : low) = middle;
        }
        plan.chosen = high == layers ? recompute : consider(recompute_name(high), {.recompute_blocks = high});
      } else {
        plan.chosen = cached.fits ? cached : leanest;
      }
      break;
  }
  if (!plan.chosen.fits && request.memory_budget > 0) {
    throw UserError(
        fmt::format("[--memory-budget] {:.2f} GB is too little: '{}' needs {:.2f} GB and the leanest "
                    "strategy {:.2f} GB; expected at least that; raise the budget, or lower --batch-size, "
                    "--max-length or --chunk-tokens",
                    Gigabytes(request.memory_budget), plan.chosen.name, Gigabytes(plan.chosen.peak_bytes),
                    Gigabytes(leanest.peak_bytes)));
  }
  return plan;
}

}  // namespace lacos
