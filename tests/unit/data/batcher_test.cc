// Batches use every example once, contain no text twice, and are the same for the same seed
// and epoch.
#include "lacos/data/batcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lacos/base/rng.h"

namespace lacos {
namespace {

ExampleFile Pairs(const std::vector<std::vector<std::string>>& texts,
                  ExampleKind kind = ExampleKind::kPairs) {
  ExampleFile file;
  file.kind = kind;
  for (const auto& t : texts) file.examples.push_back({.texts = t});
  return file;
}

// Pairs whose anchors repeat: anchor i occurs about `repeats` times.
ExampleFile RandomPairs(int64_t n, int64_t repeats, uint64_t seed) {
  Random random(seed, RandomStream::kWeights);
  std::vector<std::vector<std::string>> texts;
  const auto anchors = static_cast<uint64_t>(std::max<int64_t>(1, n / repeats));
  for (int64_t i = 0; i < n; ++i) {
    texts.push_back(
        {fmt::format("anchor {}", random.Below(anchors)), fmt::format("positive {}", i)});
    if (i % 3 == 0) texts.back().push_back(fmt::format("negative {}", random.Below(anchors * 4)));
  }
  return Pairs(texts);
}

ExampleFile DistinctPairs(int n) {
  std::vector<std::vector<std::string>> texts;
  for (int i = 0; i < n; ++i) texts.push_back({fmt::format("a{}", i), fmt::format("b{}", i)});
  return Pairs(texts);
}

ExampleFile Classes(const std::vector<int>& sizes) {
  ExampleFile file;
  file.kind = ExampleKind::kClasses;
  for (size_t c = 0; c < sizes.size(); ++c) {
    file.class_names.push_back(fmt::format("class {}", c));
    for (int i = 0; i < sizes[c]; ++i) {
      file.examples.push_back(
          {.texts = {fmt::format("text {} of {}", i, c)}, .label = static_cast<int32_t>(c)});
    }
  }
  return file;
}

// Checks that every example occurs at most once, that no batch contains a text twice, and that each
// has at least two examples. Returns how many examples were used.
int64_t CheckEpoch(const std::vector<ExampleFile>& files, const Epoch& epoch, int64_t batch_size) {
  std::set<std::pair<int32_t, int64_t>> used;
  for (const Batch& batch : epoch.batches) {
    const ExampleFile& file = files[static_cast<size_t>(batch.file)];
    const int64_t rows_each = file.kind == ExampleKind::kClasses ? 2 : 1;
    const auto size = static_cast<int64_t>(batch.examples.size()) / rows_each;
    EXPECT_GE(size, std::min<int64_t>(2, batch_size));
    EXPECT_LE(size, batch_size);
    std::set<std::string> texts;
    for (const int64_t row : batch.examples) {
      EXPECT_TRUE(used.emplace(batch.file, row).second) << "example " << row << " is used twice";
      for (const std::string& text : file.examples[static_cast<size_t>(row)].texts) {
        EXPECT_TRUE(texts.insert(text).second) << "'" << text << "' is twice in a batch";
      }
    }
  }
  int64_t total = 0;
  for (const ExampleFile& file : files) total += static_cast<int64_t>(file.examples.size());
  EXPECT_EQ(static_cast<int64_t>(used.size()) + epoch.left_out, total);
  return static_cast<int64_t>(used.size());
}

TEST(Batcher, UsesEveryExampleOnceWithoutRepeatedTexts) {
  for (const int64_t repeats : {1, 3, 20}) {
    for (const int64_t batch_size : {2, 7, 64}) {
      const std::vector<ExampleFile> files = {RandomPairs(1000, repeats, 1)};
      const Epoch epoch = MakeEpoch(files, {.batch_size = batch_size}, 0);
      EXPECT_EQ(CheckEpoch(files, epoch, batch_size), 1000) << repeats << " " << batch_size;
    }
  }
}

TEST(Batcher, FillsAllBatchesButTheLastWhenTextsAreDistinct) {
  const Epoch epoch = MakeEpoch({DistinctPairs(130)}, {.batch_size = 64}, 0);
  ASSERT_EQ(epoch.batches.size(), 3u);
  EXPECT_EQ(epoch.batches[0].examples.size(), 64u);
  EXPECT_EQ(epoch.batches[1].examples.size(), 64u);
  EXPECT_EQ(epoch.batches[2].examples.size(), 2u);
}

TEST(Batcher, GivesASingleRestAPartner) {
  const std::vector<ExampleFile> files = {DistinctPairs(129)};
  const Epoch epoch = MakeEpoch(files, {.batch_size = 64}, 0);
  EXPECT_EQ(CheckEpoch(files, epoch, 64), 129);
  EXPECT_EQ(epoch.batches.size(), 3u);
}

TEST(Batcher, DropsPartialBatchesWhenAsked) {
  const std::vector<ExampleFile> files = {DistinctPairs(150)};
  const Epoch epoch = MakeEpoch(files, {.batch_size = 64, .drop_last = true}, 0);
  EXPECT_EQ(CheckEpoch(files, epoch, 64), 128);
  EXPECT_EQ(epoch.left_out, 22);
}

TEST(Batcher, CountsWhatNoBatchCanTake) {
  const std::vector<ExampleFile> one_premise = {Pairs({{"p", "a"}, {"p", "b"}, {"p", "c"}})};
  const Epoch epoch = MakeEpoch(one_premise, {.batch_size = 8}, 0);
  EXPECT_TRUE(epoch.batches.empty());
  EXPECT_EQ(epoch.left_out, 3);
  EXPECT_EQ(MakeEpoch({Pairs({{"p", "a"}})}, {}, 0).left_out, 1);
  EXPECT_TRUE(MakeEpoch({Pairs({})}, {}, 0).batches.empty());
}

TEST(Batcher, IsAFunctionOfSeedAndEpoch) {
  const std::vector<ExampleFile> files = {RandomPairs(500, 3, 4), Classes({30, 40})};
  const auto make = [&](uint64_t seed, int64_t epoch) {
    return MakeEpoch(files, {.batch_size = 16, .seed = seed}, epoch).batches;
  };
  EXPECT_EQ(make(1, 0), make(1, 0));
  EXPECT_NE(make(1, 0), make(1, 1));
  EXPECT_NE(make(1, 0), make(2, 0));
}

TEST(Batcher, AFilesOrderDoesNotDependOnItsNeighbours) {
  const ExampleFile file = RandomPairs(100, 2, 5);
  const Epoch alone = MakeEpoch({file}, {.batch_size = 8}, 3);
  const Epoch beside = MakeEpoch({file, RandomPairs(300, 2, 6)}, {.batch_size = 8}, 3);
  std::vector<Batch> own;
  std::copy_if(beside.batches.begin(), beside.batches.end(), std::back_inserter(own),
               [](const Batch& batch) { return batch.file == 0; });
  EXPECT_EQ(own, alone.batches);
}

TEST(Batcher, ShufflesUniformly) {
  // Counts the position of the first example in 2,000 epochs of eight. A chi-square with 7 degrees
  // of freedom exceeds 29.9 in one run of 10,000, and the seed is fixed.
  const std::vector<ExampleFile> files = {DistinctPairs(8)};
  double counts[8] = {};
  for (int epoch = 0; epoch < 2000; ++epoch) {
    const std::vector<int64_t> order =
        MakeEpoch(files, {.batch_size = 8}, epoch).batches.at(0).examples;
    ++counts[std::find(order.begin(), order.end(), 0) - order.begin()];
  }
  double chi_square = 0;
  for (const double count : counts) chi_square += (count - 250) * (count - 250) / 250;
  EXPECT_LT(chi_square, 29.9);
}

TEST(Batcher, DrawsFilesInProportionToTheirSize) {
  const std::vector<ExampleFile> files = {RandomPairs(9000, 1, 7), RandomPairs(3000, 1, 8)};
  const Epoch epoch = MakeEpoch(files, {.batch_size = 10}, 0);
  EXPECT_EQ(CheckEpoch(files, epoch, 10), 12000);
  // The first half of the epoch contains the right share of each file. For drawing without
  // replacement the standard deviation is sqrt(n/2 · 3/4 · 1/4 / 2) of n batches.
  const size_t half = epoch.batches.size() / 2;
  const auto first =
      std::count_if(epoch.batches.begin(), epoch.batches.begin() + static_cast<int64_t>(half),
                    [](const Batch& batch) { return batch.file == 0; });
  EXPECT_NEAR(static_cast<double>(first), 0.75 * static_cast<double>(half),
              5 * std::sqrt(static_cast<double>(half) * 3 / 32));
}

TEST(Batcher, TakesFilesInTurnUntilEachIsUsedUp) {
  const std::vector<ExampleFile> files = {RandomPairs(40, 1, 9), RandomPairs(20, 1, 10), Pairs({})};
  const Epoch epoch = MakeEpoch(files, {.batch_size = 10, .mix = Mix::kRoundRobin}, 0);
  EXPECT_EQ(CheckEpoch(files, epoch, 10), 60);
  std::vector<int32_t> order;
  for (const Batch& batch : epoch.batches) order.push_back(batch.file);
  EXPECT_EQ(std::vector<int32_t>(order.begin(), order.begin() + 4),
            (std::vector<int32_t>{0, 1, 0, 1}));
}

TEST(Batcher, CouplesTwoDifferentTextsOfOneClass) {
  const std::vector<ExampleFile> files = {Classes({10, 7, 1, 40})};
  const Epoch epoch = MakeEpoch(files, {.batch_size = 4}, 0);
  EXPECT_EQ(CheckEpoch(files, epoch, 4), 10 + 6 + 40);
  EXPECT_EQ(epoch.left_out, 2) << "the odd one of seven, and the only one of its class";
  for (const Batch& batch : epoch.batches) {
    ASSERT_EQ(batch.examples.size() % 2, 0u);
    for (size_t i = 0; i < batch.examples.size(); i += 2) {
      const Example& a = files[0].examples[static_cast<size_t>(batch.examples[i])];
      const Example& b = files[0].examples[static_cast<size_t>(batch.examples[i + 1])];
      EXPECT_EQ(a.label, b.label);
      EXPECT_NE(a.texts[0], b.texts[0]);
    }
  }
}

TEST(Batcher, DoesNotCoupleATextWithItself) {
  ExampleFile file = Classes({0, 0});
  for (const char* text : {"x", "x", "x", "y"})
    file.examples.push_back({.texts = {text}, .label = 0});
  for (const char* text : {"v", "w"}) file.examples.push_back({.texts = {text}, .label = 1});
  for (int epoch = 0; epoch < 20; ++epoch) {
    EXPECT_EQ(CheckEpoch({file}, MakeEpoch({file}, {.batch_size = 4}, epoch), 4), 4);
  }
}

TEST(Batcher, KeepsEqualUnlabelledTextsApart) {
  const std::vector<ExampleFile> files = {
      Pairs({{"a"}, {"a"}, {"b"}, {"c"}, {"d"}, {"b"}}, ExampleKind::kUnlabelled)};
  for (int epoch = 0; epoch < 20; ++epoch) {
    EXPECT_EQ(CheckEpoch(files, MakeEpoch(files, {.batch_size = 3}, epoch), 3), 6);
  }
}

TEST(Batcher, LetsScoredAndLabelledPairsRepeatTexts) {
  std::vector<std::vector<std::string>> texts;
  for (int i = 0; i < 64; ++i) texts.push_back({"the same query", fmt::format("b{}", i)});
  for (const ExampleKind kind : {ExampleKind::kScored, ExampleKind::kLabelled}) {
    EXPECT_EQ(MakeEpoch({Pairs(texts, kind)}, {.batch_size = 32}, 0).batches.size(), 2u);
  }
}

TEST(Batcher, HandlesTextsThatRepeatOften) {
  // 100,000 pairs over 20 anchors. Trying every waiting pair for every batch would take 5,000 *
  // 100,000 tries and run into the test's time limit. One try per queue takes milliseconds.
  const std::vector<ExampleFile> files = {RandomPairs(100000, 5000, 11)};
  const Epoch epoch = MakeEpoch(files, {.batch_size = 128}, 0);
  EXPECT_GE(epoch.batches.size(), 100000u / 128);
  CheckEpoch(files, epoch, 128);
}

}  // namespace
}  // namespace lacos
