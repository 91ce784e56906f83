// Checks that every loss matches its own description (DescribeLoss).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/text/byte_tokenizer.h"
#include "lacos/text/tokenizer.h"
#include "lacos/train/losses/make_loss.h"
#include "lacos/train/training_data.h"

namespace lacos {
namespace {

class EveryLoss : public ::testing::TestWithParam<LossKind> {
 protected:
  LossInputs inputs_ = DescribeLoss(GetParam()).inputs;

  // Computes the loss of a placeholder batch over random vectors, of which the first `zeros` are
  // zero, and expects a finite loss and finite gradients.
  void ExpectFinite(int64_t zeros, LossResult& result) {
    constexpr int64_t kExamples = 4, kWidth = 6;
    const auto backend = MakeReferenceBackend(DType::kF64);
    Arena arena([&](size_t bytes) { return backend->Allocate(bytes); });
    const Shape shape{kExamples * inputs_.Texts(), kWidth};
    const LossBatch batch = inputs_.Placeholder(kExamples, shape[0]);
    const TensorView vectors = arena.Allocate(backend->Types().residual, shape);
    const TensorView dvectors = arena.Allocate(backend->Types().gradient, shape);
    Random random(1, RandomStream::kBatch);
    std::vector<float> values(static_cast<size_t>(shape.Elements()));
    for (float& value : values) value = static_cast<float>(random.Normal());
    std::fill_n(values.begin(), zeros * kWidth, 0.0f);
    UploadFloats(*backend, values, vectors);
    backend->Fill(dvectors, NAN);

    const auto loss = MakeLoss(*backend, {.kind = GetParam()}, kWidth);
    result = loss->Compute(arena, batch, vectors, dvectors);
    EXPECT_TRUE(std::isfinite(result.loss));
    for (const float value : DownloadFloats(*backend, dvectors)) EXPECT_TRUE(std::isfinite(value));
  }
};

TEST_P(EveryLoss, ComputesItsOwnPlaceholder) {
  LossResult result;
  ExpectFinite(0, result);
  EXPECT_EQ(result.accuracy >= 0, !DescribeLoss(GetParam()).accuracy.empty());
}

TEST_P(EveryLoss, IsFiniteWhereVectorsAreZero) {
  LossResult result;
  ExpectFinite(1, result);
  ExpectFinite(5, result);
}

// The plan uses the real number of examples when the largest batch is smaller than --batch-size.
TEST_P(EveryLoss, IsPlannedForTheExamplesOfTheLargestBatch) {
  ExampleFile file{.path = "examples", .kind = inputs_.kinds.front()};
  for (int i = 0; i < 5; ++i) {
    Example& example = file.examples.emplace_back(Example{.label = 0, .score = 1, .line = i + 1});
    for (int64_t k = 0; k < inputs_.Texts(); ++k)
      example.texts.push_back(std::string(static_cast<size_t>(5 * k + i + 1), 'a'));
  }
  const auto tokenizer = Tokenizer::FromJson(ByteTokenizerJson().Dump(), "test");
  const TrainingData data({file}, *tokenizer,
                          {.loss = GetParam(), .tokenize = {}, .batch = {.batch_size = 64}});
  const Epoch epoch = data.MakeEpoch(0);
  ASSERT_EQ(epoch.batches.size(), 1u);
  const TrainingData::Extent largest = data.LargestBatch(epoch.batches, /*keys=*/false);
  const LossBatch planned = inputs_.Placeholder(largest.examples, largest.rows);
  const LossBatch built = data.Build(epoch.batches[0], 0, /*keys=*/false).loss;
  EXPECT_EQ(planned.examples, built.examples);
  EXPECT_EQ(planned.negatives, built.negatives);
  EXPECT_EQ(planned.labels.size(), built.labels.size());
  EXPECT_EQ(planned.scores.size(), built.scores.size());
}

std::vector<LossKind> AllLosses() {
  std::vector<LossKind> kinds;
  for (const auto& row : kLossKindNames) kinds.push_back(row.value);
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Losses, EveryLoss, ::testing::ValuesIn(AllLosses()),
                         [](const auto& info) { return std::string(Name(info.param)); });

}  // namespace
}  // namespace lacos
