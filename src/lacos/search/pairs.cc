#include "lacos/search/pairs.h"

#include <algorithm>
#include <limits>

namespace lacos {
namespace {

bool ComesBefore(const SimilarPair& a, const SimilarPair& b) {
  if (a.similarity != b.similarity) return a.similarity > b.similarity;
  return a.first != b.first ? a.first < b.first : a.second < b.second;
}

// The best pairs so far, at most `most`.
class BestPairs {
 public:
  explicit BestPairs(int64_t most) : most_(most) {}

  // A similarity below which no pair is kept.
  double Least() const {
    return IsFull() ? heap_.front().similarity : -std::numeric_limits<double>::infinity();
  }
  void Add(const SimilarPair& pair) {
    if (IsFull()) {
      if (!ComesBefore(pair, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), ComesBefore);
      heap_.pop_back();
    }
    heap_.push_back(pair);
    std::push_heap(heap_.begin(), heap_.end(), ComesBefore);
  }
  std::vector<SimilarPair> Sorted() {
    std::sort_heap(heap_.begin(), heap_.end(), ComesBefore);
    return std::move(heap_);
  }

 private:
  bool IsFull() const { return static_cast<int64_t>(heap_.size()) == most_; }
  const int64_t most_;
  std::vector<SimilarPair> heap_;  // the worst pair is in front
};

// Every pair that reaches the threshold. A pair is looked at once, from its earlier row.
template <Similarity kSimilarity>
SimilarPairs FindAll(Backend& backend, const Vectors& rows, const PairOptions& options) {
  struct Found {  // of one query in one block of the corpus
    std::vector<SimilarPair> pairs;
    int64_t count = 0;
  };
  BlockSearch<kSimilarity> search(backend, rows, rows);
  BestPairs best(options.max_pairs);
  std::vector<Found> found(static_cast<size_t>(std::min(kQueryRows, rows.n())));
  SimilarPairs result;
  const double threshold = options.threshold.value_or(-std::numeric_limits<double>::infinity());

  const auto visit = [&](int64_t query, int64_t first, std::span<const float> products) {
    Found& of_query = found[static_cast<size_t>(query % kQueryRows)];
    const double least = best.Least();
    for (int64_t j = std::max<int64_t>(0, query + 1 - first); j < std::ssize(products); ++j) {
      const int64_t row = first + j;
      const Bounds bounds = search.BoundsOf(query, row, products[static_cast<size_t>(j)]);
      if (bounds.high < threshold) continue;
      if (bounds.low >= threshold && bounds.high < least) {
        ++of_query.count;
        continue;
      }
      const double similarity = search.Exact(query, row);
      if (similarity < threshold) continue;
      ++of_query.count;
      if (similarity >= least) of_query.pairs.push_back({query, row, similarity});
    }
  };
  const auto block_end = [&](int64_t begin, int64_t end) {
    for (int64_t query = begin; query < end; ++query) {
      Found& of_query = found[static_cast<size_t>(query % kQueryRows)];
      for (const SimilarPair& pair : of_query.pairs) best.Add(pair);
      result.found += of_query.count;
      of_query.pairs.clear();
      of_query.count = 0;
    }
  };
  search.Run(
      options.progress, [](int64_t) {}, visit, [](int64_t) {}, block_end,
      SearchPart::kAboveDiagonal);
  result.pairs = best.Sorted();
  return result;
}

// Pairs of a row and one of the top_k rows nearest to it.
template <Similarity kSimilarity>
SimilarPairs FindNearestPairs(Backend& backend, const Vectors& rows, const PairOptions& options) {
  BlockSearch<kSimilarity> search(backend, rows, rows);
  BestPairs best(options.max_pairs);
  // The nearest rows of each query of a block, as a heap with the worst one in front.
  std::vector<std::vector<Neighbour>> nearest(static_cast<size_t>(std::min(kQueryRows, rows.n())));
  // The worst of the top_k rows nearest to each row; every row belongs to them while there are
  // fewer.
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  std::vector<Neighbour> last(static_cast<size_t>(rows.n()),
                              {.index = rows.n(), .similarity = kNone});
  SimilarPairs result;
  const double threshold = options.threshold.value_or(kNone);

  const auto visit = [&](int64_t query, int64_t first, std::span<const float> products) {
    auto& heap = nearest[static_cast<size_t>(query % kQueryRows)];
    for (int64_t j = 0; j < std::ssize(products); ++j) {
      const int64_t row = first + j;
      if (row == query) continue;
      const bool full = static_cast<int64_t>(heap.size()) == options.top_k;
      const double high = search.BoundsOf(query, row, products[static_cast<size_t>(j)]).high;
      if (high < threshold || (full && high < heap.front().similarity)) continue;
      const Neighbour neighbour{.index = row, .similarity = search.Exact(query, row)};
      if (neighbour.similarity >= threshold) KeepNearest(heap, options.top_k, neighbour);
    }
  };
  const auto end = [&](int64_t query) {
    auto& heap = nearest[static_cast<size_t>(query % kQueryRows)];
    if (static_cast<int64_t>(heap.size()) == options.top_k)
      last[static_cast<size_t>(query)] = heap.front();
    for (const Neighbour& neighbour : heap) {
      // An earlier row has already reported the pair if this row is among its nearest.
      if (neighbour.index < query &&
          !IsNearer(last[static_cast<size_t>(neighbour.index)],
                    {.index = query, .similarity = neighbour.similarity})) {
        continue;
      }
      ++result.found;
      best.Add({std::min(query, neighbour.index), std::max(query, neighbour.index),
                neighbour.similarity});
    }
    heap.clear();
  };
  search.Run(
      options.progress, [](int64_t) {}, visit, end);
  result.pairs = best.Sorted();
  return result;
}

}  // namespace

SimilarPairs FindSimilarPairs(Backend& backend, const Vectors& rows, const PairOptions& options) {
  LACOS_CHECK(options.max_pairs > 0 && options.top_k >= 0, "limits of a search are positive");
  return WithSimilarity(options.similarity, [&](auto similarity) {
    return options.top_k > 0 ? FindNearestPairs<similarity()>(backend, rows, options)
                             : FindAll<similarity()>(backend, rows, options);
  });
}

}  // namespace lacos
