// The memory plan: its sums agree with the memory that the ops then use, and it chooses a strategy
// by them.
#include "lacos/train/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "lacos/base/parallel.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/forwarding_backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/text/byte_tokenizer.h"
#include "unit/train/training_bench.h"

namespace lacos {
namespace {

using testing::BenchOptions;
using testing::RandomTexts;
using testing::TrainingBench;

class PlannedWorkspace : public ::testing::TestWithParam<Compute> {
 protected:
  void TearDown() override { SetThreadCount(0); }
};

// Runs the same step on the backend and on its dry copy. Only the dry copy's sum contains temporary
// memory, which is at most 24 bytes per token plus the scores.
TEST_P(PlannedWorkspace, IsWhatTheBackendThenHolds) {
  SetThreadCount(1);
  const std::vector<int> lengths = {3, 90, 17, 200, 41, 5, 64, 30};
  const PackedTexts texts = RandomTexts(lengths, 300, false);
  const LossBatch batch{.examples = 4};
  for (const GradientStrategy& strategy :
       {GradientStrategy{}, GradientStrategy{.recompute_blocks = -1},
        GradientStrategy{.chunk_tokens = 100}}) {
    TrainingBench bench(MakeCpuBackend({.compute = GetParam()}), {});
    EXPECT_EQ(bench.backend->WorkspaceBytes(), 0u);
    const auto dry = bench.backend->MakeDry();
    DryBackend& copy = *dry;
    {
      LoadedModel loaded;
      loaded.base_weights = BaseWeights::Open(testing::TinyModel("a"));
      BloomModel model(copy, loaded.base_weights);
      model.Attach(StartingAdapter(loaded, BenchOptions().lora, /*seed=*/42), /*trainable=*/true);
      Encoder encoder(model, {});
      const auto loss = MakeLoss(copy, {}, model.config().hidden_size);
      GradientStep(encoder, *loss, texts, batch, strategy);
      bench.Gradients(texts, batch, strategy);
      EXPECT_EQ(encoder.arena().HighWaterBytes(), bench.encoder->arena().HighWaterBytes());
    }
    const size_t planned = copy.WorkspaceBytes(), held = bench.backend->WorkspaceBytes();
    EXPECT_GT(held, 0u);
    EXPECT_GE(planned, held);
    EXPECT_LE(planned, held + static_cast<size_t>(texts.Tokens()) * 24 + 4096);
    copy.ForgetWorkspace();
    EXPECT_EQ(copy.WorkspaceBytes(), 0u);
  }
}
INSTANTIATE_TEST_SUITE_P(Modes, PlannedWorkspace,
                         ::testing::Values(Compute::kF32, Compute::kBF16, Compute::kInt8));

TEST(Plan, StreamedBasesAreOneBlockAndTheRestIsTheSame) {
  const auto base_weights = BaseWeights::Open(testing::TinyModel("a"));
  LoadedModel loaded;
  loaded.base_weights = base_weights;
  const auto plan = [&](WeightStreaming streaming, int64_t budget) {
    const auto backend = MakeCpuBackend({.compute = Compute::kF32});
    const BloomModel model(*backend, base_weights);
    return PlanTraining(*backend, base_weights, StartingAdapter(loaded, {}, /*seed=*/42),
                        {.memory_budget = budget,
                         .lengths = std::vector<int32_t>(16, 30),
                         .encoder = {.streaming = streaming},
                         .loss_batch = {.examples = 8}});
  };
  const auto component = [](const PlannedStrategy& strategy, const std::string& name) {
    for (const auto& [key, bytes] : strategy.components) {
      if (key == name) return bytes;
    }
    return int64_t{-1};
  };
  const MemoryPlan resident = plan(WeightStreaming::kNone, 0);
  const MemoryPlan streamed = plan(WeightStreaming::kKeepCached, 0);
  EXPECT_EQ(component(resident.chosen, "base"), ResidentBaseBytes(*base_weights));
  EXPECT_LT(component(streamed.chosen, "base"), component(resident.chosen, "base"));
  EXPECT_EQ(component(streamed.chosen, "activations"), component(resident.chosen, "activations"));
  EXPECT_EQ(resident.chosen.name, "direct");
  EXPECT_TRUE(resident.chosen.fits);
  // Saving less needs less memory, and a budget between two strategies selects the leaner one.
  const PlannedStrategy& direct = resident.considered[0];
  const PlannedStrategy& recompute = resident.considered[1];
  EXPECT_LT(component(recompute, "activations"), component(direct, "activations"));
}

// A run of few steps is planned for the batches that it reaches.
TEST(LargestBatch, IsOneOfTheGivenBatches) {
  ExampleFile file{.path = "pairs.tsv", .kind = ExampleKind::kPairs};
  for (int i = 0; i < 12; ++i) {
    const auto text = [&](char letter) { return std::string(static_cast<size_t>(i + 1), letter); };
    file.examples.push_back({.texts = {text('a'), text('b')}, .line = i + 1});
  }
  const auto tokenizer = Tokenizer::FromJson(ByteTokenizerJson().Dump(), "test");
  const TrainingData data({file}, *tokenizer,
                          {.loss = LossKind::kMnr, .tokenize = {}, .batch = {.batch_size = 3}});
  const Epoch epoch = data.MakeEpoch(0);
  ASSERT_EQ(epoch.batches.size(), 4u);
  int64_t tokens = 0, longest = 0;
  for (size_t count = 1; count <= epoch.batches.size(); ++count) {
    const PackedTexts texts = data.Build(epoch.batches[count - 1], 0, /*keys=*/false).texts;
    tokens = std::max(tokens, texts.Tokens());
    for (int64_t n = 0; n < texts.Texts(); ++n)
      longest = std::max<int64_t>(longest, static_cast<int64_t>(texts.Text(n).size()));
    const TrainingData::Extent largest =
        data.LargestBatch(std::span(epoch.batches).first(count), /*keys=*/false);
    EXPECT_EQ(largest.tokens, tokens) << count;
    EXPECT_EQ(largest.longest, longest) << count;
  }
}

// Backward goes down through the blocks in the memory that those above have released, and the
// highest block runs in parts. So hardly more is needed than what all blocks save.
TEST(Plan, ABatchNeedsLittleBesideWhatItsBlocksSave) {
  const auto base_weights = BaseWeights::Open(testing::TinyModel("a"));
  LoadedModel loaded;
  loaded.base_weights = base_weights;
  const auto backend = MakeCpuBackend({.compute = Compute::kF32});
  const BloomModel model(*backend, base_weights);
  const MemoryPlan plan =
      PlanTraining(*backend, base_weights, StartingAdapter(loaded, {}, /*seed=*/42),
                   {.lengths = std::vector<int32_t>(40, 64), .loss_batch = {.examples = 20}});
  const int64_t d = base_weights->config().hidden_size, layers = base_weights->config().layers;
  const int64_t tokens = 40 * 64, value = sizeof(float);
  const int64_t saved = layers * tokens * (9 * d + 2) * value;
  EXPECT_GT(plan.activation_bytes, saved);
  EXPECT_LT(plan.activation_bytes, saved + tokens * 3 * d * value);
}

// A device that has its own memory pool and a minimum chunk size.
class SmallDevice final : public ForwardingBackend {
 public:
  SmallDevice(const BackendMemory& memory, int64_t smallest_chunk)
      : ForwardingBackend(MakeCpuBackend({.compute = Compute::kF32})),
        memory_(memory),
        smallest_chunk_(smallest_chunk) {}
  BackendMemory Memory() const override { return memory_; }
  int64_t SmallestChunkTokens() const override { return smallest_chunk_; }

 private:
  BackendMemory memory_;
  int64_t smallest_chunk_;
};

TEST(Plan, AsksTheBackendForItsPoolAndItsSmallestChunk) {
  const auto base_weights = BaseWeights::Open(testing::TinyModel("a"));
  LoadedModel loaded;
  loaded.base_weights = base_weights;
  const auto plan = [&](const BackendMemory& memory, int64_t smallest_chunk) {
    SmallDevice device(memory, smallest_chunk);
    const BloomModel model(device, base_weights);
    return PlanTraining(device, base_weights, StartingAdapter(loaded, {}, /*seed=*/42),
                        {.lengths = std::vector<int32_t>(16, 30), .loss_batch = {.examples = 8}});
  };
  const MemoryPlan roomy = plan({.free = int64_t{10} << 30, .held = 1000}, 700);
  EXPECT_EQ(roomy.limit_bytes, 1000 + static_cast<int64_t>(0.8 * static_cast<double>(10ll << 30)));
  EXPECT_TRUE(roomy.chosen.fits);
  EXPECT_EQ(roomy.chosen.components.back(),
            (std::pair<std::string, int64_t>("program_and_data", 1000)));
  EXPECT_EQ(roomy.considered[2].strategy.chunk_tokens, 2048);
  EXPECT_EQ(roomy.considered[3].strategy.chunk_tokens, 700);
  EXPECT_EQ(plan({.free = 1 << 30, .held = 0, .peak_held = int64_t{3} << 30}, 1).chosen.peak_bytes,
            int64_t{3} << 30);
  const MemoryPlan full = plan({.free = 1000, .held = 1000}, 4096);
  EXPECT_FALSE(full.chosen.fits);
  EXPECT_EQ(full.considered[2].strategy.chunk_tokens, 4096);
  EXPECT_EQ(full.considered[3].strategy.chunk_tokens, 4096);
}

// Only sizes matter: base weights without values give the same plan as the weights they describe.
TEST(Plan, NeedsNoWeights) {
  const auto base_weights = BaseWeights::Open(testing::TinyModel("a"));
  const DType type = base_weights->Tensor("ln_f.bias").entry.dtype;
  const auto shape =
      BaseWeights::WithoutWeights(base_weights->config(), base_weights->quantization(), type);
  EXPECT_EQ(ResidentBaseBytes(*shape), ResidentBaseBytes(*base_weights));
  EXPECT_EQ(shape->Bytes(), base_weights->Bytes());
  for (const TensorSpec& spec : ListTensors(shape->config())) {
    if (spec.IsMatrix()) continue;
    EXPECT_EQ(shape->Vector(spec.name),
              std::vector<float>(static_cast<size_t>(spec.shape[0]), 0.0f));
  }
}

}  // namespace
}  // namespace lacos
