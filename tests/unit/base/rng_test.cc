// Random numbers: known answers of Philox, and the properties of the streams.
#include "lacos/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace lacos {
namespace {

// The values are from the kat_vectors of Random123 (the authors' own distribution),
// "philox4x32 10".
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(Philox({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(Philox({ones, ones, ones, ones}, {ones, ones}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Mix64, IsTheFinaliserOfSplitMix64) {
  // The first outputs of SplitMix64 with seed 0 (Vigna's splitmix64.c). The state advances by the
  // golden gamma each time.
  EXPECT_EQ(Mix64(0), 0xe220a8397b1dcdafull);
  EXPECT_EQ(Mix64(0x9e3779b97f4a7c15ull), 0x6e789e6aa1b965f4ull);
}

TEST(Random, IsAPureFunctionOfSeedStreamAndSubstream) {
  Random a(7, RandomStream::kShuffle, 3), b(7, RandomStream::kShuffle, 3);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(a.Next32(), b.Next32());
}

TEST(Random, StreamsSubstreamsAndSeedsDiffer) {
  std::set<uint64_t> firsts;
  for (const uint64_t seed : {uint64_t{1}, uint64_t{2}, uint64_t{1} << 32}) {
    for (const RandomStream stream : {RandomStream::kLoraInit, RandomStream::kDropout}) {
      for (const uint64_t substream : {0, 1, 2})
        firsts.insert(Random(seed, stream, substream).Next64());
    }
  }
  EXPECT_EQ(firsts.size(), 18u);
}

TEST(Random, UniformHasTheMomentsOfTheUniformDistribution) {
  Random random(1, RandomStream::kWeights);
  const int n = 1 << 20;
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.Uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  // The tolerance is five standard errors: sd(u) = sqrt(1/12), sd(u²) = sqrt(4/45).
  EXPECT_NEAR(sum / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(squares / n, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
}

TEST(Random, NormalHasTheMomentsOfTheNormalDistribution) {
  Random random(2, RandomStream::kWeights);
  const int n = 1 << 20;
  double moments[5] = {};
  for (int i = 0; i < n; ++i) {
    const double x = random.Normal();
    ASSERT_TRUE(std::isfinite(x));
    for (int k = 1; k <= 4; ++k) moments[k] += std::pow(x, k) / n;
  }
  // The tolerance is five standard errors: var(x^k) = (2k-1)!! - mean², which gives 1, 2, 15, 96.
  EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(1.0 / n));
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15.0 / n));
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96.0 / n));
}

TEST(Random, BelowIsUniformWithoutModuloBias) {
  Random random(3, RandomStream::kBatch);
  const uint64_t n = 3;
  const int draws = 300000;
  int counts[3] = {};
  for (int i = 0; i < draws; ++i) {
    const uint64_t value = random.Below(n);
    ASSERT_LT(value, n);
    ++counts[value];
  }
  for (const int count : counts) EXPECT_NEAR(count, draws / 3.0, 5 * std::sqrt(draws * 2.0 / 9));
  EXPECT_EQ(random.Below(1), 0u);
  // If n is just above 2^63, a modulo would give the lower half twice the probability of the
  // upper one.
  const uint64_t large = (uint64_t{1} << 63) + 1;
  int low = 0;
  for (int i = 0; i < 10000; ++i) low += random.Below(large) < large / 2;
  EXPECT_NEAR(low, 5000, 5 * 50);
}

TEST(RandomPermutation, HoldsEveryNumberOnceAndDependsOnTheStream) {
  Random a(5, RandomStream::kShuffle, 0), again(5, RandomStream::kShuffle, 0),
      b(5, RandomStream::kShuffle, 1);
  const std::vector<int64_t> order = RandomPermutation(1000, a);
  EXPECT_EQ(order, RandomPermutation(1000, again));
  EXPECT_NE(order, RandomPermutation(1000, b));
  std::vector<int64_t> sorted = order, expected(1000);
  std::sort(sorted.begin(), sorted.end());
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(sorted, expected);
}

TEST(RandomPermutation, OfThreeIsUniform) {
  Random random(6, RandomStream::kShuffle);
  std::map<std::vector<int64_t>, int> counts;
  const int draws = 60000;
  for (int i = 0; i < draws; ++i) ++counts[RandomPermutation(3, random)];
  ASSERT_EQ(counts.size(), 6u);
  for (const auto& [order, count] : counts)
    EXPECT_NEAR(count, draws / 6.0, 5 * std::sqrt(draws * 5.0 / 36));
}

TEST(RandomPermutation, OfNothingIsEmpty) {
  Random random(1, RandomStream::kShuffle);
  EXPECT_TRUE(RandomPermutation(0, random).empty());
}

}  // namespace
}  // namespace lacos
