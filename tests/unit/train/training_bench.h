// Sets up a tiny model from tests/golden for training on any backend. Shared by the tests of the
// train folder.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/train/gradient_step.h"
#include "lacos/train/losses/make_loss.h"
#include "lacos/train/optimizer.h"
#include "lacos/train/trainer.h"
#include "test_paths.h"

namespace lacos::testing {

inline std::string TinyModel(const std::string& name) {
  return std::string(LACOS_SOURCE_DIR) + "/tests/golden/models/" + name;
}

struct BenchOptions {
  std::string model = "a";
  LoraSettings lora = {.rank = 3,
                       .alpha = 6,
                       .targets = {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}};
  Pooling pooling = Pooling::kMean;
  LossOptions loss;
  double dropout = 0;
};

// A model, loss, optimizer and an adapter whose B matrices are not zero, so that no gradient is
// zero for that reason.
struct TrainingBench {
  TrainingBench(std::unique_ptr<Backend> owned, const BenchOptions& options)
      : backend(std::move(owned)) {
    LoadedModel loaded;
    loaded.base_weights = BaseWeights::Open(TinyModel(options.model));
    LoraAdapter adapter = StartingAdapter(loaded, options.lora, /*seed=*/42);
    Random random(11, RandomStream::kLoraInit);
    for (auto& [name, module] : adapter.modules) {
      for (float& value : module.b.values) value = static_cast<float>(0.1 * random.Normal());
    }
    model = std::make_unique<BloomModel>(*backend, loaded.base_weights);
    model->Attach(adapter, /*trainable=*/true);
    const DropoutRates rates{
        .embedding = options.dropout, .attention = options.dropout, .residual = options.dropout};
    encoder = std::make_unique<Encoder>(
        *model, EncoderOptions{.pooling = options.pooling, .dropout = rates});
    loss = MakeLoss(*backend, options.loss, model->config().hidden_size);
    std::vector<TrainableTensor> tensors = model->trainable();
    for (const TrainableTensor& tensor : loss->parameters()) tensors.push_back(tensor);
    optimizer = std::make_unique<Optimizer>(*backend, OptimizerOptions{}, tensors);
  }

  LossResult Gradients(const PackedTexts& texts, const LossBatch& batch,
                       const GradientStrategy& strategy) {
    return GradientStep(*encoder, *loss, texts, batch, strategy);
  }

  // The bytes of all gradients, in the order of the optimizer's tensors.
  std::vector<std::byte> GradientBytes() {
    std::vector<std::byte> all;
    for (const TrainableTensor& tensor : optimizer->tensors()) {
      std::vector<std::byte> bytes(tensor.gradient.Bytes());
      backend->Download(tensor.gradient, bytes);
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
  }

  std::unique_ptr<Backend> backend;
  std::unique_ptr<BloomModel> model;
  std::unique_ptr<Encoder> encoder;
  std::unique_ptr<Loss> loss;
  std::unique_ptr<Optimizer> optimizer;
};

// Random texts of the given lengths. With `keys`, every token gets a dropout key.
inline PackedTexts RandomTexts(const std::vector<int>& lengths, int64_t vocabulary, bool keys) {
  Random random(5, RandomStream::kBatch);
  PackedTexts texts;
  for (const int length : lengths) {
    std::vector<int32_t> ids;
    for (int i = 0; i < length; ++i)
      ids.push_back(static_cast<int32_t>(random.Below(static_cast<uint64_t>(vocabulary))));
    texts.Add(ids);
  }
  if (keys) {
    for (int64_t i = 0; i < texts.Tokens(); ++i)
      texts.keys.push_back(static_cast<int64_t>(Mix64(static_cast<uint64_t>(i))));
  }
  return texts;
}

}  // namespace lacos::testing
