// Training computes equal texts of a batch only once. Loss and gradients are the same as when each
// text is computed separately.
#include <gtest/gtest.h>

#include "lacos/base/parallel.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/repeats.h"
#include "lacos/text/byte_tokenizer.h"
#include "unit/train/training_bench.h"

namespace lacos {
namespace {

using testing::BenchOptions;
using testing::RandomTexts;
using testing::TrainingBench;

// 40 rows of 18 distinct texts, which fill three leaves and include a text longer than a leaf.
PackedTexts RowsWithRepeats() {
  std::vector<int> lengths;
  for (int i = 0; i < 17; ++i) lengths.push_back(1 + i * 37 % 90);
  lengths.push_back(600);
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < 40; ++i) rows.push_back(i * i * 7 % 18);
  rows[30] = 17;
  return RandomTexts(lengths, 300, false).Select(rows);
}

// The same texts with dropout keys, which keep equal texts apart. At a dropout rate of zero the
// keys have no other effect.
PackedTexts KeptApart(PackedTexts texts) {
  texts.keys.assign(texts.ids.size(), 1);
  return texts;
}

LossBatch ScoredBatch() {
  LossBatch batch{.examples = 20};
  for (int i = 0; i < 20; ++i) batch.scores.push_back(static_cast<float>(i % 7) / 7.0f);
  return batch;
}
constexpr LossKind kLoss = LossKind::kCosent;

std::vector<double> Values(TrainingBench& bench) {
  std::vector<double> all;
  for (const TrainableTensor& tensor : bench.optimizer->tensors()) {
    const std::vector<double> values = DownloadDoubles(*bench.backend, tensor.gradient);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

double LargestDifference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}
double Largest(const std::vector<double>& a) {
  return LargestDifference(a, std::vector<double>(a.size()));
}

TEST(TrainingRepeats, HaveTheLossBytesAndTheGradientsOfTextsKeptApart) {
  const PackedTexts rows = RowsWithRepeats();
  for (const Compute compute : {Compute::kF32, Compute::kBF16}) {
    TrainingBench bench(MakeCpuBackend({.compute = compute}), {.loss = {.kind = kLoss}});
    const double apart_loss = bench.Gradients(KeptApart(rows), ScoredBatch(), {}).loss;
    const std::vector<double> apart = Values(bench);
    EXPECT_EQ(bench.Gradients(rows, ScoredBatch(), {}).loss, apart_loss);
    // Both ways add the same exact terms. A gradient element sums T rows, each the result of
    // products with at most 4 D terms, and every f32 addition rounds by at most half an epsilon of
    // a partial sum. In bf16 mode the inputs of backward products are also rounded to bf16, and the
    // rounded sum of several values differs from the sum of the rounded values.
    const double terms = static_cast<double>(rows.Tokens() + 4 * bench.model->config().hidden_size);
    const double unit = compute == Compute::kF32 ? 0x1p-24 * terms : 0x1p-8;
    const double tolerance = 4 * unit * Largest(apart);
    EXPECT_LE(LargestDifference(Values(bench), apart), tolerance);
    EXPECT_GT(Largest(apart), 0);
  }
  // In double precision the two agree up to rounding, because only the order of additions differs.
  TrainingBench exact(MakeReferenceBackend(DType::kF64), {.loss = {.kind = kLoss}});
  exact.Gradients(KeptApart(rows), ScoredBatch(), {});
  const std::vector<double> apart = Values(exact);
  exact.Gradients(rows, ScoredBatch(), {});
  EXPECT_LE(LargestDifference(Values(exact), apart), 1e-11 * Largest(apart));
}

TEST(TrainingRepeats, GiveTheSameBytesUnderEveryStrategyAtAnyThreadCount) {
  const PackedTexts rows = RowsWithRepeats();
  for (const Compute compute : {Compute::kF32, Compute::kBF16, Compute::kInt8}) {
    std::vector<std::byte> first;
    for (const int threads : {1, 2}) {
      SetThreadCount(threads);
      TrainingBench bench(MakeCpuBackend({.compute = compute}), {.loss = {.kind = kLoss}});
      for (const GradientStrategy& strategy :
           {GradientStrategy{}, GradientStrategy{.recompute_blocks = -1},
            GradientStrategy{.chunk_tokens = 1},
            GradientStrategy{.recompute_blocks = 1, .chunk_tokens = 700}}) {
        bench.Gradients(rows, ScoredBatch(), strategy);
        if (first.empty()) first = bench.GradientBytes();
        EXPECT_EQ(bench.GradientBytes(), first)
            << threads << " threads, chunk " << strategy.chunk_tokens;
      }
    }
  }
  SetThreadCount(0);
}

TEST(TrainingRepeats, AreComputedOnceUnlessSomethingIsDropped) {
  const PackedTexts rows = RowsWithRepeats();
  const int64_t distinct = rows.Select(FindRepeats(rows).first).Tokens();
  ASSERT_LT(2 * distinct, rows.Tokens());
  TrainingBench bench(MakeCpuBackend({.compute = Compute::kF32}), {.loss = {.kind = kLoss}});
  bench.Gradients(rows, ScoredBatch(), {});
  EXPECT_EQ(bench.encoder->work().tokens, distinct);
  EXPECT_EQ(bench.encoder->work().block_tokens, distinct * bench.model->config().layers);

  TrainingBench dropping(MakeCpuBackend({.compute = Compute::kF32}),
                         {.loss = {.kind = kLoss}, .dropout = 0.1});
  dropping.Gradients(KeptApart(rows), ScoredBatch(), {});
  EXPECT_EQ(dropping.encoder->work().tokens, rows.Tokens());
}

TEST(TrainingRepeats, DoNotCountInTheLargestBatchUnlessSomethingIsDropped) {
  ExampleFile file{.path = "scored.tsv", .kind = ExampleKind::kScored};
  // Four pairs, each of "aaaa" and one of "b", "cc", "ddd" and "eeee".
  for (int i = 0; i < 4; ++i) {
    file.examples.push_back({.texts = {"aaaa", std::string(static_cast<size_t>(i + 1), "bcde"[i])},
                             .score = 0.25 * i,
                             .line = i + 1});
  }
  const auto tokenizer = Tokenizer::FromJson(ByteTokenizerJson().Dump(), "test");
  const TrainingData data({file}, *tokenizer,
                          {.loss = LossKind::kCosine, .tokenize = {}, .batch = {.batch_size = 4}});
  const Epoch epoch = data.MakeEpoch(0);
  ASSERT_EQ(epoch.batches.size(), 1u);
  const TrainingData::Extent merged = data.LargestBatch(epoch.batches, /*keys=*/false);
  EXPECT_EQ(merged.tokens, 4 + 10);
  EXPECT_EQ(merged.lengths.size(), 5);
  EXPECT_EQ(merged.rows, 8);
  const TrainingData::Extent apart = data.LargestBatch(epoch.batches, /*keys=*/true);
  EXPECT_EQ(apart.tokens, 16 + 10);
  EXPECT_EQ(apart.lengths.size(), 8);
  EXPECT_EQ(apart.longest, 4);
  EXPECT_EQ(data.distinct_texts(), 5);
  EXPECT_EQ(data.distinct_tokens(), 14);
  const TrainingBatch batch = data.Build(epoch.batches[0], 0, false);
  EXPECT_EQ(batch.texts.Tokens(), 26);
  EXPECT_EQ(batch.distinct_tokens, 14);
}

}  // namespace
}  // namespace lacos
