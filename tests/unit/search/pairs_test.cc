// Pairs and communities are those that comparing every two rows gives.
#include "lacos/search/pairs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/search/communities.h"

namespace lacos {
namespace {

constexpr int64_t kD = 9;

// Rows in clouds, some of them equal and one of zeros.
std::vector<float> MakeClouds(int64_t n, uint64_t seed) {
  Random random(seed, RandomStream::kBatch);
  std::vector<float> rows(static_cast<size_t>(n * kD));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < kD; ++j) {
      rows[static_cast<size_t>(i * kD + j)] =
          static_cast<float>((i % 8 == j ? 1.0 : 0.0) + 0.2 * random.Normal());
    }
    if (i > 0 && i % 11 == 0) std::copy_n(rows.begin() + (i - 1) * kD, kD, rows.begin() + i * kD);
  }
  if (n > 4) std::fill_n(rows.begin() + 4 * kD, kD, 0.0f);
  return rows;
}

std::vector<SimilarPair> EveryPair(const Vectors& rows, Similarity similarity) {
  std::vector<SimilarPair> pairs;
  for (int64_t i = 0; i < rows.n(); ++i) {
    for (int64_t j = i + 1; j < rows.n(); ++j)
      pairs.push_back({i, j, SimilarityOf(similarity, rows.Row(i), rows.Row(j))});
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const SimilarPair& a, const SimilarPair& b) {
    return a.similarity > b.similarity;
  });
  return pairs;
}

void ExpectPairs(const SimilarPairs& found, const std::vector<SimilarPair>& expected,
                 int64_t most) {
  EXPECT_EQ(found.found, std::ssize(expected));
  ASSERT_EQ(std::ssize(found.pairs), std::min(most, std::ssize(expected)));
  for (size_t i = 0; i < found.pairs.size(); ++i) {
    EXPECT_EQ(found.pairs[i].first, expected[i].first) << i;
    EXPECT_EQ(found.pairs[i].second, expected[i].second) << i;
    EXPECT_EQ(found.pairs[i].similarity, expected[i].similarity) << i;
  }
}

class Pairs : public testing::TestWithParam<int64_t> {};

TEST_P(Pairs, AreThoseThatComparingEveryTwoRowsGives) {
  const std::vector<float> values = MakeClouds(GetParam(), 5);
  const Vectors rows{.values = values, .d = kD};
  const auto backend = MakeCpuBackend({});
  for (const SimilarityNames& names : kSimilarityNames) {
    SCOPED_TRACE(names.word);
    const std::vector<SimilarPair> all = EveryPair(rows, names.value);
    const double middle = all.empty() ? 0 : all[all.size() / 3].similarity;
    for (const int64_t most : {int64_t{1}, int64_t{100}, int64_t{1'000'000}}) {
      ExpectPairs(FindSimilarPairs(*backend, rows, {.similarity = names.value, .max_pairs = most}),
                  all, most);
      std::vector<SimilarPair> near = all;
      std::erase_if(near, [&](const SimilarPair& pair) { return pair.similarity < middle; });
      ExpectPairs(
          FindSimilarPairs(*backend, rows,
                           {.similarity = names.value, .threshold = middle, .max_pairs = most}),
          near, most);
    }
  }
}

TEST_P(Pairs, WithTopKHaveARowThatIsAmongTheNearestOfTheOther) {
  const std::vector<float> values = MakeClouds(GetParam(), 6);
  const Vectors rows{.values = values, .d = kD};
  const auto backend = MakeCpuBackend({});
  const std::vector<SimilarPair> all = EveryPair(rows, Similarity::kCosine);
  for (const int64_t k : {1, 4, 5000}) {
    for (const double threshold : {-2.0, 0.9}) {
      std::vector<std::vector<Neighbour>> near(static_cast<size_t>(rows.n()));
      for (const SimilarPair& pair : all) {
        near[static_cast<size_t>(pair.first)].push_back({pair.second, pair.similarity});
        near[static_cast<size_t>(pair.second)].push_back({pair.first, pair.similarity});
      }
      std::set<std::pair<int64_t, int64_t>> counted;
      for (int64_t row = 0; row < rows.n(); ++row) {
        auto& of_row = near[static_cast<size_t>(row)];
        std::sort(of_row.begin(), of_row.end(), IsNearer);
        of_row.resize(static_cast<size_t>(std::min(k, std::ssize(of_row))));
        for (const Neighbour& neighbour : of_row)
          counted.insert({std::min(row, neighbour.index), std::max(row, neighbour.index)});
      }
      std::vector<SimilarPair> expected = all;
      std::erase_if(expected, [&](const SimilarPair& pair) {
        return pair.similarity < threshold || !counted.contains({pair.first, pair.second});
      });
      ExpectPairs(FindSimilarPairs(*backend, rows,
                                   {.threshold = threshold, .top_k = k, .max_pairs = 1'000'000}),
                  expected, 1'000'000);
    }
  }
}

// The method as sentence-transformers has it, on a table of all similarities.
std::vector<Community> Communities(const Vectors& rows, double threshold, int64_t min_size) {
  std::vector<Community> candidates;
  for (int64_t i = 0; i < rows.n(); ++i) {
    std::vector<Neighbour> near;
    for (int64_t j = 0; j < rows.n(); ++j) {
      const double cosine = Cosine(rows.Row(i), rows.Row(j));
      if (cosine >= threshold)
        near.push_back({j, j == i ? std::numeric_limits<double>::infinity() : cosine});
    }
    if (std::ssize(near) < min_size) continue;
    std::sort(near.begin(), near.end(), IsNearer);
    candidates.emplace_back();
    for (const Neighbour& neighbour : near) candidates.back().push_back(neighbour.index);
  }
  const auto larger = [](const Community& a, const Community& b) { return a.size() > b.size(); };
  std::stable_sort(candidates.begin(), candidates.end(), larger);
  std::set<int64_t> taken;
  std::vector<Community> found;
  for (Community& community : candidates) {
    if (community.empty() || taken.contains(community[0])) continue;
    std::erase_if(community, [&](int64_t row) { return taken.contains(row); });
    if (std::ssize(community) < min_size) continue;
    taken.insert(community.begin(), community.end());
    found.push_back(community);
  }
  std::stable_sort(found.begin(), found.end(), larger);
  return found;
}

TEST_P(Pairs, CommunitiesAreThoseOfATableOfAllSimilarities) {
  const std::vector<float> values = MakeClouds(GetParam(), 7);
  const Vectors rows{.values = values, .d = kD};
  const auto backend = MakeCpuBackend({});
  for (const double threshold : {0.3, 0.7, 0.9, 0.99}) {
    for (const int64_t min_size : {1, 2, 10, 100'000}) {
      SCOPED_TRACE(testing::Message() << threshold << " " << min_size);
      const std::vector<Community> expected = Communities(rows, threshold, min_size);
      for (const int threads : {1, 3}) {
        SetThreadCount(threads);
        const std::vector<Community> found =
            FindCommunities(*backend, rows, {.threshold = threshold, .min_size = min_size});
        EXPECT_EQ(found, expected);
      }
    }
  }
}

// One row, one block of queries, and several.
INSTANTIATE_TEST_SUITE_P(Rows, Pairs, testing::Values(1, 2, 60, 300));

}  // namespace
}  // namespace lacos
