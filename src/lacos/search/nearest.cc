// Exact search by similarity among any number of vectors, one block at a time.
#include "lacos/search/nearest.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "lacos/base/check.h"
#include "lacos/base/parallel.h"

namespace lacos {
namespace {

template <Similarity kSimilarity>
std::vector<std::vector<Neighbour>> FindNearest(Backend& backend, const Vectors& queries,
                                                const Vectors& corpus, int64_t k,
                                                const SearchProgress& progress) {
  BlockSearch<kSimilarity> search(backend, queries, corpus);
  std::vector<std::vector<Neighbour>> found(static_cast<size_t>(queries.n()));
  const auto visit = [&](int64_t query, int64_t first, std::span<const float> products) {
    std::vector<Neighbour>& heap = found[static_cast<size_t>(query)];  // the worst one is in front
    for (size_t j = 0; j < products.size(); ++j) {
      const bool full = static_cast<int64_t>(heap.size()) == k;
      const int64_t row = first + static_cast<int64_t>(j);
      if (full && search.BoundsOf(query, row, products[j]).high < heap.front().similarity) continue;
      KeepNearest(heap, k, {.index = row, .similarity = search.Exact(query, row)});
    }
  };
  search.Run(
      progress, [](int64_t) {}, visit,
      [&](int64_t query) {
        auto& heap = found[static_cast<size_t>(query)];
        std::sort_heap(heap.begin(), heap.end(), IsNearer);
      });
  return found;
}

template <Similarity kSimilarity>
std::vector<std::vector<int64_t>> FindRanks(Backend& backend, const Vectors& queries,
                                            const Vectors& corpus,
                                            const std::vector<std::vector<int64_t>>& targets,
                                            const SearchProgress& progress) {
  // A query's targets, the nearest first. nearer[0] + ... + nearer[t] other rows come before target
  // t, so a row that is nearer than many targets is counted once.
  struct Places {
    std::vector<Neighbour> targets;
    std::vector<int64_t> nearer;
  };
  BlockSearch<kSimilarity> search(backend, queries, corpus);
  std::vector<Places> places(static_cast<size_t>(std::min(kQueryRows, queries.n())));
  std::vector<std::vector<int64_t>> ranks(targets.size());
  const auto place_of = [&](int64_t query) -> Places& {
    return places[static_cast<size_t>(query % kQueryRows)];
  };

  const auto begin = [&](int64_t query) {
    Places& place = place_of(query);
    place.targets.clear();
    for (const int64_t row : targets[static_cast<size_t>(query)]) {
      LACOS_CHECK(row >= 0 && row < corpus.n(), "a target is a row of the corpus");
      place.targets.push_back(
          {.index = row,
           .similarity = SimilarityOf(kSimilarity, queries.Row(query), corpus.Row(row))});
    }
    std::sort(place.targets.begin(), place.targets.end(), IsNearer);
    place.nearer.assign(place.targets.size() + 1, 0);
  };
  const auto visit = [&](int64_t query, int64_t first, std::span<const float> products) {
    Places& place = place_of(query);
    if (place.targets.empty()) return;
    const double least = place.targets.back().similarity;
    for (size_t j = 0; j < products.size(); ++j) {
      const int64_t row = first + static_cast<int64_t>(j);
      const Bounds bounds = search.BoundsOf(query, row, products[j]);
      if (bounds.high < least) continue;
      // The first target that this row certainly precedes, and the first that it might precede,
      // whichever way its product was rounded.
      auto at = std::partition_point(
          place.targets.begin(), place.targets.end(),
          [&](const Neighbour& target) { return target.similarity >= bounds.low; });
      const auto possible = std::partition_point(
          place.targets.begin(), at,
          [&](const Neighbour& target) { return target.similarity > bounds.high; });
      if (at != possible) {
        const Neighbour other{.index = row, .similarity = search.Exact(query, row)};
        at = std::upper_bound(place.targets.begin(), place.targets.end(), other,
                              IsNearer);  // a row does not precede itself
      }
      ++place.nearer[static_cast<size_t>(at - place.targets.begin())];
    }
  };
  const auto end = [&](int64_t query) {
    const Places& place = place_of(query);
    std::vector<int64_t> rank(place.targets.size());
    int64_t before = 0;
    std::vector<std::pair<int64_t, int64_t>> of_row;
    for (size_t t = 0; t < rank.size(); ++t) {
      before += place.nearer[t];
      of_row.emplace_back(place.targets[t].index, before + 1);
    }
    // Back to the order in which the caller named the targets.
    std::sort(of_row.begin(), of_row.end());
    const std::vector<int64_t>& asked = targets[static_cast<size_t>(query)];
    for (size_t t = 0; t < asked.size(); ++t) {
      rank[t] =
          std::lower_bound(of_row.begin(), of_row.end(), std::pair(asked[t], int64_t{0}))->second;
    }
    ranks[static_cast<size_t>(query)] = std::move(rank);
  };
  search.Run(progress, begin, visit, end);
  return ranks;
}

}  // namespace

std::vector<std::vector<Neighbour>> NearestNeighbours(Backend& backend, const Vectors& queries,
                                                      const Vectors& corpus, int64_t k,
                                                      const SearchOptions& options) {
  LACOS_CHECK(k > 0, "at least one neighbour is asked for");
  return WithSimilarity(options.similarity, [&](auto similarity) {
    return FindNearest<similarity()>(backend, queries, corpus, k, options.progress);
  });
}

std::vector<std::vector<int64_t>> RanksOf(Backend& backend, const Vectors& queries,
                                          const Vectors& corpus,
                                          const std::vector<std::vector<int64_t>>& targets,
                                          const SearchOptions& options) {
  LACOS_CHECK(static_cast<int64_t>(targets.size()) == queries.n(),
              "one list of targets for each query");
  return WithSimilarity(options.similarity, [&](auto similarity) {
    return FindRanks<similarity()>(backend, queries, corpus, targets, options.progress);
  });
}

}  // namespace lacos
