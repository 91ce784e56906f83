// Direct, recomputed and chunked gradients have the same bytes, with any number of threads, with
// and without dropout.
#include <gtest/gtest.h>

#include "lacos/base/parallel.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "unit/train/training_bench.h"

namespace lacos {
namespace {

using testing::BenchOptions;
using testing::RandomTexts;
using testing::TrainingBench;

struct StrategyCase {
  std::string name;
  Compute compute = Compute::kF32;
  BenchOptions options;
};

class Strategies : public ::testing::TestWithParam<StrategyCase> {
 protected:
  void TearDown() override { SetThreadCount(0); }
};

// Lengths of 24 texts, from 1 to 700 tokens. They fill several leaves, and one text is longer than
// a leaf.
std::vector<int> Lengths() {
  std::vector<int> lengths;
  for (int i = 0; i < 23; ++i) lengths.push_back(1 + i * 37 % 90);
  lengths.push_back(700);
  return lengths;
}

TEST_P(Strategies, GiveTheSameBytesAtAnyThreadCount) {
  const StrategyCase& strategy_case = GetParam();
  std::vector<std::vector<std::byte>> results;
  std::vector<double> losses;
  for (const int threads : {1, 2}) {
    SetThreadCount(threads);
    TrainingBench bench(MakeCpuBackend({.compute = strategy_case.compute}), strategy_case.options);
    const PackedTexts texts = RandomTexts(Lengths(), 300, strategy_case.options.dropout > 0);
    const LossBatch batch{.examples = 12};
    for (const GradientStrategy& strategy :
         {GradientStrategy{}, GradientStrategy{.recompute_blocks = 1},
          GradientStrategy{.recompute_blocks = -1}, GradientStrategy{.chunk_tokens = 1},
          GradientStrategy{.recompute_blocks = -1, .chunk_tokens = 900}}) {
      losses.push_back(bench.Gradients(texts, batch, strategy).loss);
      results.push_back(bench.GradientBytes());
    }
  }
  for (size_t i = 1; i < results.size(); ++i) {
    EXPECT_EQ(losses[i], losses[0]) << "run " << i;
    EXPECT_EQ(results[i], results[0]) << "run " << i;
  }
  EXPECT_NE(results[0], std::vector<std::byte>(results[0].size())) << "gradients are not all zero";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Strategies,
    ::testing::Values(
        StrategyCase{.name = "lora_f32"},
        StrategyCase{.name = "lora_bf16", .compute = Compute::kBF16},
        StrategyCase{
            .name = "odd_heads_bf16", .compute = Compute::kBF16, .options = {.model = "b"}},
        StrategyCase{.name = "lora_int8", .compute = Compute::kInt8},
        StrategyCase{.name = "bitfit", .options = {.lora = {.train_biases = true}}},
        StrategyCase{.name = "dropout",
                     .options = {.lora = {.rank = 2, .dropout = 0.2}, .dropout = 0.1}},
        StrategyCase{.name = "max_pooling", .options = {.pooling = Pooling::kMax}},
        StrategyCase{.name = "symmetric_matryoshka",
                     .options = {.loss = {.symmetric = true, .matryoshka = {48, 16}}}}),
    [](const auto& info) { return info.param.name; });

TEST(Leaves, AreCutAtTextBoundariesAndInsideLongTexts) {
  const std::vector<int32_t> offsets = {0, 300, 500, 600, 1900, 1910};
  EXPECT_EQ(LeafStarts(offsets), (std::vector<int64_t>{0, 2, 3, 4, 5}));
  EXPECT_EQ(MakeLeaves(offsets).begin, (std::vector<int64_t>{0, 500, 600, 1112, 1624, 1900, 1910}));
}

TEST(Leaves, OfAChunkAreThoseOfTheBatch) {
  const PackedTexts texts = RandomTexts(Lengths(), 300, false);
  const std::vector<int64_t> whole = MakeLeaves(texts.offsets).begin;
  const std::vector<int64_t> starts = LeafStarts(texts.offsets);
  ASSERT_GT(starts.size(), 4u);
  const int64_t first = starts[1], last = starts[3];
  const PackedTexts chunk = texts.Slice(first, last);
  std::vector<int64_t> expected;
  for (const int64_t cut : whole) {
    if (cut >= texts.offsets[first] && cut <= texts.offsets[last])
      expected.push_back(cut - texts.offsets[first]);
  }
  EXPECT_EQ(MakeLeaves(chunk.offsets).begin, expected);
}

TEST(Batches, ATextAloneOrAmongOthersHasTheSameVectorBytes) {
  for (const Compute compute : {Compute::kF32, Compute::kBF16, Compute::kInt8}) {
    for (const std::string model : {"a", "b", "c"}) {
      TrainingBench bench(MakeCpuBackend({.compute = compute}), {.model = model});
      const PackedTexts texts = RandomTexts(Lengths(), 300, false);
      const int64_t d = bench.model->config().hidden_size;
      const auto encode = [&](const PackedTexts& batch, int threads) {
        SetThreadCount(threads);
        const ArenaScope scope(bench.encoder->arena());
        const TensorView vectors =
            bench.encoder->arena().Allocate(bench.backend->Types().residual, {batch.Texts(), d});
        bench.encoder->Forward(batch, vectors);
        return DownloadFloats(*bench.backend, vectors);
      };
      const std::vector<float> together = encode(texts, 2);
      EXPECT_EQ(encode(texts, 1), together);
      for (int64_t n = 0; n < texts.Texts(); ++n) {
        const std::vector<float> alone = encode(texts.Slice(n, n + 1), 1 + static_cast<int>(n % 2));
        EXPECT_EQ(alone,
                  std::vector<float>(together.begin() + n * d, together.begin() + (n + 1) * d))
            << model << ", text " << n;
      }
    }
  }
  SetThreadCount(0);
}

}  // namespace
}  // namespace lacos
