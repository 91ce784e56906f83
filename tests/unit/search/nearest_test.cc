// Exact search gives the same result as sorting all similarities.
#include "lacos/search/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"

namespace lacos {
namespace {

// Rows near a few directions, some of them equal and one of zeros. Products in f32 alone would put
// many of them in the wrong order.
std::vector<float> MakeRows(int64_t n, int64_t d, uint64_t seed) {
  Random random(seed, RandomStream::kBatch);
  std::vector<float> rows(static_cast<size_t>(n * d));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < d; ++j) {
      rows[static_cast<size_t>(i * d + j)] =
          static_cast<float>((i % 5 == j % 5 ? 1.0 : 0.0) + 1e-6 * random.Normal());
    }
    if (i > 0 && i % 7 == 0) std::copy_n(rows.begin() + (i - 1) * d, d, rows.begin() + i * d);
  }
  if (n > 3) std::fill_n(rows.begin() + 3 * d, d, 0.0f);
  return rows;
}

std::vector<int64_t> Sorted(Similarity similarity, const Vectors& corpus,
                            std::span<const float> query) {
  std::vector<double> values;
  for (int64_t i = 0; i < corpus.n(); ++i)
    values.push_back(SimilarityOf(similarity, query, corpus.Row(i)));
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  });
  return order;
}

// numbers of queries and of corpus rows
class Search : public testing::TestWithParam<std::pair<int64_t, int64_t>> {};

TEST_P(Search, IsSortingEverySimilarity) {
  const auto [q, c] = GetParam();
  for (const SimilarityNames& names : kSimilarityNames) {
    const Similarity similarity = names.value;
    SCOPED_TRACE(names.word);
    const int64_t d = 33;
    const std::vector<float> query_values = MakeRows(q, d, 1), corpus_values = MakeRows(c, d, 2);
    const Vectors queries{.values = query_values, .d = d}, corpus{.values = corpus_values, .d = d};
    const auto backend = MakeCpuBackend({});
    const auto nearest =
        NearestNeighbours(*backend, queries, corpus, 10, {.similarity = similarity});
    std::vector<std::vector<int64_t>> targets;
    for (int64_t i = 0; i < q; ++i)
      targets.push_back({i % c, (3 * i + 1) % c, (7 * i + c / 2) % c});
    targets[0].clear();
    for (auto& list : targets) {
      std::sort(list.begin(), list.end(), std::greater<>());
      list.erase(std::unique(list.begin(), list.end()), list.end());
    }
    const auto ranks = RanksOf(*backend, queries, corpus, targets, {.similarity = similarity});
    ASSERT_EQ(static_cast<int64_t>(nearest.size()), q);
    for (int64_t i = 0; i < q; ++i) {
      const auto order = Sorted(similarity, corpus, queries.Row(i));
      const auto& found = nearest[static_cast<size_t>(i)];
      ASSERT_EQ(static_cast<int64_t>(found.size()), std::min<int64_t>(10, c));
      for (size_t k = 0; k < found.size(); ++k) {
        EXPECT_EQ(found[k].index, order[k]) << "query " << i << " place " << k;
        EXPECT_EQ(found[k].similarity,
                  SimilarityOf(similarity, queries.Row(i), corpus.Row(found[k].index)));
      }
      const auto& asked = targets[static_cast<size_t>(i)];
      ASSERT_EQ(ranks[static_cast<size_t>(i)].size(), asked.size());
      for (size_t t = 0; t < asked.size(); ++t) {
        const auto place = std::find(order.begin(), order.end(), asked[t]) - order.begin();
        EXPECT_EQ(ranks[static_cast<size_t>(i)][t], place + 1)
            << "query " << i << " target " << asked[t];
      }
    }
  }
}

// Sizes within one block, at its edges, and over several blocks on both sides.
INSTANTIATE_TEST_SUITE_P(Sizes, Search,
                         testing::Values(std::pair{3, 5}, std::pair{20, 300}, std::pair{257, 64},
                                         std::pair{2, 4097}, std::pair{260, 4200}));

// In f32 the products of equal rows differ from 1 and, at other positions in a block, from
// each other.
TEST(Search, FindsEqualRowsAtExactlyOneInTheOrderOfTheCorpus) {
  const int64_t d = 33, distinct = 61, copies = 80;  // 4,880 rows are two blocks of the corpus
  Random random(4, RandomStream::kWeights);
  std::vector<float> query_values(static_cast<size_t>(distinct * d)), corpus_values;
  for (float& value : query_values) value = static_cast<float>(random.Normal());
  for (int64_t i = 0; i < copies; ++i)
    corpus_values.insert(corpus_values.end(), query_values.begin(), query_values.end());
  const Vectors queries{.values = query_values, .d = d}, corpus{.values = corpus_values, .d = d};
  const auto backend = MakeCpuBackend({});
  const auto nearest = NearestNeighbours(*backend, queries, corpus, copies + 1);
  std::vector<std::vector<int64_t>> equal_rows;
  for (int64_t i = 0; i < distinct; ++i) {
    equal_rows.emplace_back();
    for (int64_t k = 0; k < copies; ++k) equal_rows.back().push_back(k * distinct + i);
  }
  const auto ranks = RanksOf(*backend, queries, corpus, equal_rows);
  for (size_t i = 0; i < nearest.size(); ++i) {
    for (size_t k = 0; k < copies; ++k) {
      EXPECT_EQ(nearest[i][k].similarity, 1) << "query " << i << " place " << k;
      EXPECT_EQ(nearest[i][k].index, equal_rows[i][k]) << "query " << i << " place " << k;
      EXPECT_EQ(ranks[i][k], static_cast<int64_t>(k + 1)) << "query " << i << " place " << k;
    }
    EXPECT_LT(nearest[i][copies].similarity, 1) << "query " << i;
  }
}

TEST(Search, ReportsItsProgressToTheEnd) {
  const std::vector<float> values = MakeRows(300, 8, 3);
  const Vectors rows{.values = values, .d = 8};
  const auto backend = MakeCpuBackend({});
  int64_t last = 0;
  const auto progress = [&](int64_t done, int64_t total) {
    EXPECT_GT(done, last);
    EXPECT_EQ(total, 300 * 300);
    last = done;
  };
  NearestNeighbours(*backend, rows, rows, 1, {.progress = progress});
  EXPECT_EQ(last, 300 * 300);
}

}  // namespace
}  // namespace lacos
