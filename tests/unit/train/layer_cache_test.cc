// Training steps that read cached states of the frozen lower layers produce the same bytes while
// computing fewer blocks.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "lacos/base/parallel.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/layer_cache.h"
#include "unit/train/training_bench.h"

namespace lacos {
namespace {

using testing::BenchOptions;
using testing::RandomTexts;
using testing::TrainingBench;

class CachedSteps : public ::testing::Test {
 protected:
  CachedSteps() {
    std::string name =
        (std::filesystem::temp_directory_path() / "lacos_layer_cache_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~CachedSteps() override {
    SetThreadCount(0);
    std::filesystem::remove_all(folder_);
  }
  std::unique_ptr<LayerCache> Open(TrainingBench& bench, const std::string& name) {
    Json identity = Json::Object();
    identity.Set("name", name);
    const auto element = static_cast<int64_t>(SizeOf(bench.backend->Types().residual));
    return std::make_unique<LayerCache>(
        LayerCacheOptions{.folder = folder_, .tell = [this](const std::string&) { ++messages_; }},
        identity, bench.model->config().hidden_size * element);
  }

  std::string folder_;
  int messages_ = 0;
};

std::vector<int> Lengths() {
  std::vector<int> lengths;
  for (int i = 0; i < 15; ++i) lengths.push_back(1 + i * 37 % 90);
  lengths.push_back(600);
  return lengths;
}

// LoRA in the upper block alone, with LoRA dropout.
BenchOptions UpperBlock(double lora_dropout = 0) {
  return {.lora = {.rank = 3,
                   .alpha = 6,
                   .dropout = lora_dropout,
                   .targets = {"query_key_value", "dense_4h_to_h"},
                   .first_layer = 1,
                   .last_layer = 1}};
}

TEST_F(CachedSteps, GiveTheBytesOfUncachedOnesUnderEveryStrategy) {
  const LossBatch batch{.examples = 8};
  for (const double lora_dropout : {0.0, 0.2}) {
    const PackedTexts texts = RandomTexts(Lengths(), 300, lora_dropout > 0);
    // The first batch contains every third text, so only these are in the cache afterwards.
    std::vector<int64_t> some;
    for (int64_t n = 0; n < texts.Texts(); n += 3) some.push_back(n);
    for (const Compute compute : {Compute::kF32, Compute::kBF16, Compute::kInt8}) {
      TrainingBench plain(MakeCpuBackend({.compute = compute}), UpperBlock(lora_dropout));
      const double loss = plain.Gradients(texts, batch, {}).loss;
      const std::vector<std::byte> expected = plain.GradientBytes();
      const int64_t layers = plain.model->config().layers;
      ASSERT_EQ(plain.encoder->LowestTrainableBlock(), 1);
      int run = 0;
      for (const GradientStrategy& strategy :
           {GradientStrategy{}, GradientStrategy{.recompute_blocks = -1},
            GradientStrategy{.chunk_tokens = 1}}) {
        SetThreadCount(1 + run % 2);
        TrainingBench bench(MakeCpuBackend({.compute = compute}), UpperBlock(lora_dropout));
        const auto cache = Open(bench, std::to_string(static_cast<int>(compute)) +
                                           std::to_string(run++) + std::to_string(lora_dropout));
        bench.encoder->options().layer_cache = cache.get();
        bench.Gradients(texts.Select(some), {.examples = 3}, strategy);
        EXPECT_EQ(cache->texts(), 6);
        const int64_t embedded = bench.encoder->work().tokens;
        for (int epoch = 0; epoch < 3; ++epoch) {
          EXPECT_EQ(bench.Gradients(texts, batch, strategy).loss, loss);
          EXPECT_EQ(bench.GradientBytes(), expected)
              << "epoch " << epoch << ", chunk " << strategy.chunk_tokens;
          EXPECT_EQ(cache->texts(), texts.Texts());
        }
        // Every text went through the embedding and through the lowest block exactly once.
        EXPECT_EQ(embedded, texts.Select(some).Tokens());
        EXPECT_EQ(bench.encoder->work().tokens, texts.Tokens());
        if (strategy.chunk_tokens == 0 && strategy.recompute_blocks == 0) {
          EXPECT_EQ(bench.encoder->work().block_tokens,
                    texts.Tokens() + (layers - 1) * (embedded + 3 * texts.Tokens()));
        }
        EXPECT_EQ(messages_, 0);
      }
    }
  }
}

TEST_F(CachedSteps, ComputeDamagedStatesAgain) {
  const PackedTexts texts = RandomTexts(Lengths(), 300, false);
  TrainingBench bench(MakeCpuBackend({.compute = Compute::kF32}), UpperBlock());
  bench.Gradients(texts, {.examples = 8}, {});
  const std::vector<std::byte> expected = bench.GradientBytes();
  const auto cache = Open(bench, "damaged");
  bench.encoder->options().layer_cache = cache.get();
  bench.Gradients(texts, {.examples = 8}, {});
  const int64_t before = bench.encoder->work().tokens;
  {
    std::fstream file(cache->path(), std::ios::in | std::ios::out | std::ios::binary);
    for (const int64_t share : {3, 5}) {
      file.seekp(cache->bytes() * share / 7);
      file.put('?');
    }
  }
  bench.Gradients(texts, {.examples = 8}, {});
  EXPECT_EQ(bench.GradientBytes(), expected);
  EXPECT_GE(messages_, 1);
  const int64_t again = bench.encoder->work().tokens - before;
  EXPECT_GT(again, 0);
  EXPECT_LT(again, texts.Tokens());
  bench.Gradients(texts, {.examples = 8}, {});
  EXPECT_EQ(bench.GradientBytes(), expected);
  EXPECT_EQ(bench.encoder->work().tokens - before, again)
      << "what was computed again was added again";
}

TEST_F(CachedSteps, AreNotTakenFromACacheWhereLowerLayersDrop) {
  BenchOptions options = UpperBlock();
  options.dropout = 0.1;
  const PackedTexts texts = RandomTexts(Lengths(), 300, true);
  TrainingBench bench(MakeCpuBackend({.compute = Compute::kF32}), options);
  const auto cache = Open(bench, "dropout");
  bench.encoder->options().layer_cache = cache.get();
  bench.Gradients(texts, {.examples = 8}, {});
  EXPECT_EQ(cache->texts(), 0);
}

TEST_F(CachedSteps, WorkOnEveryBackend) {
  const PackedTexts texts = RandomTexts({4, 1, 7, 3}, 300, false);
  TrainingBench bench(MakeReferenceBackend(DType::kC128), UpperBlock());
  bench.Gradients(texts, {.examples = 2}, {});
  const std::vector<std::byte> expected = bench.GradientBytes();
  const auto cache = Open(bench, "complex");
  bench.encoder->options().layer_cache = cache.get();
  for (int epoch = 0; epoch < 2; ++epoch) {
    bench.Gradients(texts, {.examples = 2}, {});
    EXPECT_EQ(bench.GradientBytes(), expected);
  }
  EXPECT_EQ(cache->read_tokens(), texts.Tokens());
}

}  // namespace
}  // namespace lacos
