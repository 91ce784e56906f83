// Training and encoding with the CUDA backend, by the code that users run, in the emulator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/kernels/cuda/emulator/emulated_cublaslt.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/model/sentence_encoder.h"
#include "unit/kernels/cuda/long_form.h"
#include "unit/train/cuda/emulated_training.h"
#include "unit/train/training_bench.h"

namespace lacos {
namespace {

using cuda::emulator::EmulatedRuntime;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsLongForm;
using testing::kCuda;
using testing::Losses;
using testing::TheGpu;

constexpr Compute kModes[] = {Compute::kF32, Compute::kBF16, Compute::kInt8};

class CudaTraining : public testing::EmulatedTraining {};

TEST_F(CudaTraining, TenStepsStayCloseToTheCpus) {
  for (const Compute compute : kModes) {
    Losses cpu, cuda;
    Train(Options(compute, {}, "cpu"), {&cpu}, {});
    Train(Options(compute, kCuda, "cuda"), {&cuda}, {});
    ASSERT_EQ(cuda.values.size(), 10u);
    ASSERT_EQ(cpu.values.size(), 10u);
    const double tolerance = compute == Compute::kF32 ? 1e-4 : 2e-2;
    for (size_t i = 0; i < cpu.values.size(); ++i) {
      EXPECT_LE(std::abs(cuda.values[i] - cpu.values[i]), tolerance * std::abs(cpu.values[i]))
          << Name(compute) << " step " << i + 1;
    }
    EXPECT_NE(cuda.values.back(), cuda.values.front());
    // All memory is taken by the end of the second step, which uses the optimizer's tables too.
    EXPECT_EQ(cuda.allocations.back(), cuda.allocations[1]) << Name(compute);
    EXPECT_LE(TheGpu()->peak_bytes(), 1.06 * static_cast<double>(cuda.plan.peak_bytes));
    EXPECT_GE(TheGpu()->peak_bytes(), 0.94 * static_cast<double>(cuda.plan.peak_bytes));
    EXPECT_LE(TheGpu()->pinned_peak_bytes(), int64_t{16} << 20);
  }
}

// The long form tests every mode, which takes 30 s.
TEST_F(CudaTraining, AnEpochEndsWithTheDevScoreOfTheCpu) {
  for (const Compute compute : kModes) {
    if (!IsLongForm() && compute != Compute::kBF16) continue;
    double scores[2];
    for (const bool on_cuda : {false, true}) {
      TrainOptions options = Options(compute, on_cuda ? kCuda : Device{}, "epoch");
      options.dev_file = (folder_ / "dev.tsv").string();
      options.settings.max_steps = 0;
      options.settings.epochs = 1;
      options.settings.learning_rate = 2e-3;
      options.settings.scale = 20;
      Losses losses;
      Train(options, {&losses}, {});
      ASSERT_EQ(losses.dev_scores.size(), 2u);
      scores[on_cuda ? 1 : 0] = losses.dev_scores[1];
    }
    EXPECT_NEAR(scores[1], scores[0], 0.3) << Name(compute);
    EXPECT_GT(std::abs(scores[0]), 20) << "the score says something";
  }
}

// The bytes of products depend on cuBLASLt's algorithms, so a run does not go on with others.
TEST_F(CudaTraining, RunJsonNamesTheAlgorithmsAndARunIsNotResumedWithOthers) {
  using cuda::emulator::CublasLt;
  TheGpu() = std::make_shared<cuda::emulator::HopperRuntime>();
  CublasLt() = {.first_candidate = 2, .candidates = 1};
  TrainOptions options = Options(Compute::kBF16, kCuda, "run");
  options.settings.max_steps = 2;
  options.run.save_every = 1;
  Losses first;
  int calls = 0;
  EXPECT_TRUE(Train(options, {&first}, [&] { return ++calls == 1; }).interrupted);
  const Json run = Json::ReadFile((folder_ / "run" / "run.json").string());
  const Json kernels = run.At("kernels");
  for (const char* name : {"card", "sm", "driver", "cuda_runtime", "products"})
    EXPECT_NE(kernels.At(name).AsString(), "") << name;
  EXPECT_EQ(kernels.At("cublaslt").AsString(), "13.1.0");
  EXPECT_THAT(kernels.At("algorithms").AsString(),
              AllOf(HasSubstr("768x256: algorithm 62 tile 7 stages 7"),
                    HasSubstr("256x1024 backward: algorithm 62")));

  options.run.resume = true;
  options.run.writing.overwrite = false;
  CublasLt() = {.first_candidate = 3, .candidates = 1};
  try {
    Train(options, {}, {});
    FAIL() << "the run went on with other algorithms";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("backend_facts algorithms"),
                                    HasSubstr("algorithm 62"), HasSubstr("algorithm 63")));
  }
  CublasLt() = {.first_candidate = 2, .candidates = 1};
  EXPECT_FALSE(Train(options, {}, {}).interrupted);
  CublasLt() = {};
}

TEST(CudaStrategies, DirectRecomputedAndChunkedGradientsHaveTheSameBytes) {
  using testing::TrainingBench;
  // The long form (`make test-cuda-emulated`) takes minutes: a text longer than a leaf of the gradients' sums, and every
  // mode with and without dropout.
  const bool is_long = IsLongForm();
  std::vector<int> lengths = {1, 38, 15, 29};
  if (is_long) {
    for (int i = 4; i < 15; ++i) lengths.push_back(1 + i * 37 % 60);
    lengths.push_back(530);
  }
  for (const Compute compute : kModes) {
    for (const double dropout : {0.0, 0.2}) {
      if (!is_long && (dropout > 0) == (compute == Compute::kBF16)) continue;
      TrainingBench bench(MakeCudaBackend({.compute = compute}), {.dropout = dropout});
      const PackedTexts texts = testing::RandomTexts(lengths, 300, dropout > 0);
      std::vector<std::byte> first;
      for (const GradientStrategy& strategy :
           {GradientStrategy{}, GradientStrategy{.recompute_blocks = -1},
            GradientStrategy{.chunk_tokens = 1}}) {
        bench.Gradients(texts, {.examples = static_cast<int>(lengths.size()) / 2}, strategy);
        const std::vector<std::byte> bytes = bench.GradientBytes();
        if (first.empty()) first = bytes;
        EXPECT_TRUE(bytes == first) << Name(compute) << " dropout " << dropout;
      }
    }
  }
}

// The long form has 300 batches, and in three of them up to 512 texts.
TEST(CudaEncoding, ATextHasTheSameVectorAloneAndInRandomBatches) {
  std::vector<std::string> texts;
  for (int i = 0; i < 14; ++i) {
    std::string text = "text";
    for (int word = 0; word < i * 5 % (IsLongForm() ? 17 : 9); ++word)
      text += " word " + std::to_string(i + word);
    texts.push_back(text);
  }
  // An encoder computes equal texts once, so a large batch needs many different ones.
  for (int i = 0; IsLongForm() && texts.size() < 512; ++i)
    texts.push_back("word " + std::to_string(i));
  for (const Compute compute : kModes) {
    SentenceEncoder encoder({.path = testing::TinyModel("a"), .device = kCuda, .compute = compute});
    const auto d = static_cast<size_t>(encoder.dimension());
    std::vector<float> alone(texts.size() * d);
    for (size_t i = 0; i < texts.size(); ++i)
      encoder.Encode(std::span(texts).subspan(i, 1), "", std::span(alone).subspan(i * d, d));
    Random random(3, RandomStream::kBatch);
    for (int batch = 1; batch <= (IsLongForm() ? 300 : 3); ++batch) {
      std::vector<std::string> picked;
      std::vector<size_t> which;
      for (uint64_t n = 1 + random.Below(batch % 100 == 0 ? 512 : 12); n > 0; --n) {
        which.push_back(random.Below(texts.size()));
        picked.push_back(texts[which.back()]);
      }
      std::vector<float> vectors(picked.size() * d);
      encoder.Encode(picked, "", vectors);
      for (size_t i = 0; i < picked.size(); ++i) {
        EXPECT_TRUE(std::equal(vectors.begin() + static_cast<int64_t>(i * d),
                               vectors.begin() + static_cast<int64_t>((i + 1) * d),
                               alone.begin() + static_cast<int64_t>(which[i] * d)))
            << Name(compute) << " text " << which[i];
      }
    }
  }
}

// With room for a part of the base only, the vectors and gradients are those of the whole base on the
// GPU, in whatever order copies and kernels run.
TEST(CudaStreaming, ABaseThatDoesNotFitGivesTheSameBytes) {
  using testing::TrainingBench;
  const PackedTexts texts = testing::RandomTexts({5, 3}, 300, false);
  for (const Compute compute : {Compute::kBF16, Compute::kInt8}) {
    std::vector<std::byte> first;
    for (const double share : {1.0, 0.5, 0.0}) {
      TheGpu() = std::make_shared<EmulatedRuntime>(/*deferred=*/share < 1);
      TrainingBench bench(MakeCudaBackend({.compute = compute}),
                          {.model = "../../../examples/bloom-nano"});
      Backend& gpu = *bench.backend;
      bench.Gradients(texts, {.examples = 1}, {});  // now the whole base is there
      const size_t all = gpu.WeightBytes(), least = gpu.LeastWeightBytes();
      ASSERT_LT(least, all);
      const auto limit = least + static_cast<size_t>(share * static_cast<double>(all - least));
      gpu.LimitWeights(limit);
      bench.Gradients(texts, {.examples = 1}, {});
      EXPECT_LE(gpu.WeightBytes(), limit);
      EXPECT_LE(TheGpu()->pinned_peak_bytes(), int64_t{16} << 20);
      const std::vector<std::byte> bytes = bench.GradientBytes();
      if (first.empty()) first = bytes;
      EXPECT_TRUE(bytes == first) << Name(compute) << " share " << share;
    }
  }
  TheGpu() = std::make_shared<EmulatedRuntime>();
}

// Copies that happen as late as they may show memory of the host that is changed too early.
TEST(CudaEncoding, DeferredWorkGivesTheSameVectors) {
  const std::vector<std::string> texts = {"one", "a second text", "and the third of them"};
  std::vector<std::vector<float>> results;
  for (const bool deferred : {false, true}) {
    TheGpu() = std::make_shared<EmulatedRuntime>(deferred);
    SentenceEncoder encoder({.path = testing::TinyModel("a"), .device = kCuda});
    results.emplace_back(texts.size() * static_cast<size_t>(encoder.dimension()));
    encoder.Encode(texts, "", results.back());
  }
  EXPECT_EQ(results[0], results[1]);
  TheGpu() = std::make_shared<EmulatedRuntime>();
}

}  // namespace
}  // namespace lacos
