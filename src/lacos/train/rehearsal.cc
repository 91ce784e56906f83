#include "lacos/train/rehearsal.h"

#include <algorithm>
#include <vector>

#include "lacos/kernels/make_backend.h"
#include "lacos/train/losses/make_loss.h"

namespace lacos {
namespace {

// Wide and deep enough for products to be divided into pieces of the usual size.
constexpr int64_t kWidth = 256;
constexpr int64_t kTexts = 24;  // enough for 12 pairs or 8 triplets
constexpr int64_t kTextTokens = 10;

}  // namespace

void RehearseStep(const TrainOptions& options, const BaseWeights& base_weights,
                  EncoderOptions encoder_options) {
  encoder_options.streaming = WeightStreaming::kNone;  // there is no file
  BloomConfig config = base_weights.config();
  config.hidden_size = kWidth;
  config.heads = 2;
  config.layers = 1;
  config.vocab_size = kTexts;
  const DType vectors = base_weights.Tensor("ln_f.bias").entry.dtype;
  const auto zeros = BaseWeights::WithoutWeights(config, base_weights.quantization(), vectors);

  const auto backend = MakeBackend({.device = options.device, .compute = options.settings.compute});
  BloomModel model(*backend, zeros);
  LoraSettings lora = AdapterOf(options.settings);
  lora.first_layer = 0;
  lora.last_layer = -1;
  lora.rank = std::min(lora.rank, kWidth);
  model.Attach(InitializeAdapter(*zeros, lora, options.settings.seed), /*trainable=*/true);
  LossOptions loss_options = ObjectiveOf(options.settings);
  loss_options.matryoshka.clear();  // these are dimensions of the real model
  const auto loss = MakeLoss(*backend, loss_options, kWidth);
  std::vector<TrainableTensor> tensors = model.trainable();
  for (const TrainableTensor& tensor : loss->parameters()) tensors.push_back(tensor);
  Optimizer optimizer(*backend, OptimizerOf(options.settings), std::move(tensors));
  Encoder encoder(model, encoder_options);
  encoder.arena().Reserve(size_t{16}
                          << 20);  // more than it takes; a whole chunk would be much of a ulimit -d

  const LossInputs inputs = DescribeLoss(options.settings.loss).inputs;
  const LossBatch batch = inputs.Placeholder(kTexts / inputs.Texts(), kTexts);
  PackedTexts texts;
  for (int64_t n = 0; n < kTexts; ++n) {
    texts.Add(std::vector<int32_t>(kTextTokens, static_cast<int32_t>(n)));
  }
  if (encoder_options.dropout.Any() || lora.dropout > 0) {
    texts.keys.assign(static_cast<size_t>(texts.Tokens()), 1);
  }
  GradientStep(encoder, *loss, texts, batch, {});
  optimizer.MeasureGradients();
  optimizer.Step(*options.settings.learning_rate, 1);
}

}  // namespace lacos
