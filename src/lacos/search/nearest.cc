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

// The size of a block of products: 256 x 4,096 cosines are 4 MB.
constexpr int64_t kQueryRows = 256, kCorpusRows = 4096;

// The squared lengths of rows, and the rows scaled to length 1 in f32. Rows of zeros stay zero.
struct UnitRows {
  explicit UnitRows(const Vectors& rows)
      : squares(static_cast<size_t>(rows.n())), unit(rows.values.begin(), rows.values.end()) {
    ParallelFor(rows.n(), [&](int64_t i) {
      const double square = squares[static_cast<size_t>(i)] = Dot(rows.Row(i), rows.Row(i));
      if (square == 0) return;
      const double length = std::sqrt(square);
      const auto row =
          std::span(unit).subspan(static_cast<size_t>(i * rows.d), static_cast<size_t>(rows.d));
      for (float& value : row) value = static_cast<float>(value / length);
    });
  }
  std::vector<double> squares;
  std::vector<float> unit;
};

// A bound on the distance between the f32 product of two unit rows and the exact cosine. Each
// element is rounded once, by half an ulp on either side. A sum of d products in any order loses at
// most d ulps of the sum of their magnitudes, which is at most 1. Source: Higham, "Accuracy and
// Stability of Numerical Algorithms" (2002), section 3.1.
double RoundingBound(int64_t d) { return 1.01 * static_cast<double>(d + 4) * 0x1.0p-24; }

// The values between which the similarity of two rows lies, whichever way their product was rounded.
struct Bounds {
  double low = 0, high = 0;
};

// Calls visit(query, first row of the corpus, products of unit rows with the rows from there on) for
// every query and block. The queries of a block are visited in parallel, the blocks of the corpus in
// order. Exact() returns the similarity as SimilarityOf() does.
template <Similarity kSimilarity>
class BlockSearch {
 public:
  BlockSearch(Backend& backend, const Vectors& queries, const Vectors& corpus)
      : backend_(backend), queries_(queries), corpus_(corpus), bound_(RoundingBound(queries.d)) {
    LACOS_CHECK(queries.d == corpus.d, "queries and corpus have vectors of the same size");
  }

  template <class Begin, class Visit, class End>
  void Run(const SearchProgress& progress, const Begin& begin, const Visit& visit, const End& end) {
    const Buffer q = Allocate(kQueryRows), c = Allocate(kCorpusRows);
    const Buffer y =
        backend_.Allocate(static_cast<size_t>(kQueryRows * kCorpusRows) * sizeof(float));
    std::vector<float> products(static_cast<size_t>(kQueryRows * kCorpusRows));
    for (int64_t q0 = 0; q0 < queries_.n(); q0 += kQueryRows) {
      const int64_t q1 = std::min(q0 + kQueryRows, queries_.n());
      const UnitRows query(queries_.Rows(q0, q1));
      const TensorView a = Upload(query.unit, q, q1 - q0);
      query_squares_ = query.squares;
      query_begin_ = q0;
      for (int64_t i = q0; i < q1; ++i) begin(i);
      for (int64_t c0 = 0; c0 < corpus_.n(); c0 += kCorpusRows) {
        const int64_t c1 = std::min(c0 + kCorpusRows, corpus_.n());
        const UnitRows block(corpus_.Rows(c0, c1));
        corpus_squares_ = block.squares;
        corpus_begin_ = c0;
        const TensorView b = Upload(block.unit, c, c1 - c0);
        const TensorView scores{
            .data = y.data(), .dtype = DType::kF32, .shape = {q1 - q0, c1 - c0}};
        backend_.MatMul(a, Transpose::kNo, b, Transpose::kYes, 1, 0, scores);
        const std::span<float> host(products.data(), static_cast<size_t>(scores.Elements()));
        backend_.Download(scores, std::as_writable_bytes(host));
        ParallelFor(q1 - q0, [&](int64_t i) {
          visit(q0 + i, c0,
                std::span<const float>(host).subspan(static_cast<size_t>(i * (c1 - c0)),
                                                     static_cast<size_t>(c1 - c0)));
        });
        if (progress) progress(q0 * corpus_.n() + (q1 - q0) * c1, queries_.n() * corpus_.n());
      }
      for (int64_t i = q0; i < q1; ++i) end(i);
    }
  }

  // The exact similarity of a query and a row of the current blocks.
  double Exact(int64_t query, int64_t row) const {
    if constexpr (kSimilarity == Similarity::kCosine) {
      return CosineOfProducts(Dot(queries_.Row(query), corpus_.Row(row)), QuerySquares(query),
                              CorpusSquares(row));
    }
    return SimilarityOf(kSimilarity, queries_.Row(query), corpus_.Row(row));
  }

  // Bounds of Exact(), given the product of the rows at length 1.
  Bounds BoundsOf(int64_t query, int64_t row, double product) const {
    if constexpr (kSimilarity == Similarity::kCosine) return {product - bound_, product + bound_};
    const double a = QuerySquares(query), b = CorpusSquares(row);
    const double lengths = std::sqrt(a * b);
    if constexpr (kSimilarity == Similarity::kDot)
      return {lengths * (product - bound_), lengths * (product + bound_)};
    // |x - y|^2 = |x|^2 + |y|^2 - 2 x y. `rounding` bounds the relative error of sums of d terms in
    // double, here and in Exact().
    const double rounding = static_cast<double>(queries_.d + 8) * 0x1.0p-52;
    const double slack = rounding * (a + b) + 2 * lengths * bound_;
    const double squares = a + b - 2 * lengths * product;
    const double near = std::sqrt(std::max(squares - slack, 0.0)) * (1 - rounding);
    const double far = std::sqrt(std::max(squares + slack, 0.0)) * (1 + rounding);
    if constexpr (kSimilarity == Similarity::kEuclidean) return {-far, -near};
    // The Manhattan distance lies between the Euclidean one and sqrt(d) times it.
    return {-far * std::sqrt(static_cast<double>(queries_.d)) * (1 + rounding), -near};
  }

 private:
  double QuerySquares(int64_t query) const {
    return query_squares_[static_cast<size_t>(query - query_begin_)];
  }
  double CorpusSquares(int64_t row) const {
    return corpus_squares_[static_cast<size_t>(row - corpus_begin_)];
  }
  Buffer Allocate(int64_t rows) {
    return backend_.Allocate(static_cast<size_t>(rows * queries_.d) * sizeof(float));
  }
  TensorView Upload(const std::vector<float>& values, const Buffer& buffer, int64_t rows) {
    const TensorView view{.data = buffer.data(), .dtype = DType::kF32, .shape = {rows, queries_.d}};
    backend_.Upload(std::as_bytes(std::span(values)), view);
    return view;
  }

  Backend& backend_;
  const Vectors queries_, corpus_;
  double bound_;
  std::span<const double> query_squares_, corpus_squares_;
  int64_t query_begin_ = 0, corpus_begin_ = 0;
};

bool IsNearer(const Neighbour& a, const Neighbour& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.index < b.index;
}

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
      const Neighbour neighbour{.index = row, .similarity = search.Exact(query, row)};
      if (full) {
        if (!IsNearer(neighbour, heap.front())) continue;
        std::pop_heap(heap.begin(), heap.end(), IsNearer);
        heap.pop_back();
      }
      heap.push_back(neighbour);
      std::push_heap(heap.begin(), heap.end(), IsNearer);
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
