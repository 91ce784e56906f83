// The blocks of products through which every exact search goes, and the bounds of their rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/parallel.h"
#include "lacos/kernels/backend.h"
#include "lacos/search/vectors.h"

namespace lacos {

// Called with the number of products that are done and the number of all products, such as the
// number of queries times the rows of the corpus.
using SearchProgress = std::function<void(int64_t done, int64_t total)>;

// A row of the corpus, and how near it is to a query.
struct Neighbour {
  int64_t index = 0;  // row of the corpus
  double similarity = 0;
};
// Of equal similarities, the earlier row counts as nearer.
inline bool IsNearer(const Neighbour& a, const Neighbour& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.index < b.index;
}

// Offers a row to the k nearest so far, a heap with the worst one in front.
inline void KeepNearest(std::vector<Neighbour>& heap, int64_t k, const Neighbour& row) {
  if (static_cast<int64_t>(heap.size()) == k) {
    if (!IsNearer(row, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), IsNearer);
    heap.pop_back();
  }
  heap.push_back(row);
  std::push_heap(heap.begin(), heap.end(), IsNearer);
}

// The size of a block of products: 256 x 4,096 cosines are 4 MB.
inline constexpr int64_t kQueryRows = 256, kCorpusRows = 4096;

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
inline double RoundingBound(int64_t d) { return 1.01 * static_cast<double>(d + 4) * 0x1.0p-24; }

// The values between which the similarity of two rows lies, whichever way their product was rounded.
struct Bounds {
  double low = 0, high = 0;
};

// Which products are computed. kAboveDiagonal is for a corpus that is the queries themselves, and
// leaves out blocks in which every row comes before the queries of the block.
enum class SearchPart : uint8_t { kAll, kAboveDiagonal };

struct NoBlockEnd {
  void operator()(int64_t, int64_t) const {}
};

// Computes products of all queries with all rows of the corpus, block by block.
template <Similarity kSimilarity>
class BlockSearch {
 public:
  BlockSearch(Backend& backend, const Vectors& queries, const Vectors& corpus)
      : backend_(backend), queries_(queries), corpus_(corpus), bound_(RoundingBound(queries.d)) {
    LACOS_CHECK(queries.d == corpus.d, "queries and corpus have vectors of the same size");
  }

  // Calls visit(query, first row of the corpus, products of unit rows with the rows from there on)
  // for every query and block. The queries of a block are visited in parallel, the blocks of the
  // corpus in order. Before and after the blocks of a query, begin(query) and end(query) are called,
  // and after each block of the corpus block_end(first query, last query + 1), all of them by one
  // thread in the order of queries.
  template <class Begin, class Visit, class End, class BlockEnd = NoBlockEnd>
  void Run(const SearchProgress& progress, const Begin& begin, const Visit& visit, const End& end,
           const BlockEnd& block_end = {}, SearchPart part = SearchPart::kAll) {
    const int64_t most_queries = std::min(kQueryRows, queries_.n());
    const int64_t most_rows = std::min(kCorpusRows, corpus_.n());
    const Buffer q = Allocate(most_queries), c = Allocate(most_rows);
    const Buffer y =
        backend_.Allocate(static_cast<size_t>(most_queries * most_rows) * sizeof(float));
    std::vector<float> products(static_cast<size_t>(most_queries * most_rows));
    const auto first_row = [&](int64_t q0) { return part == SearchPart::kAll ? 0 : q0; };
    int64_t done = 0, total = 0;
    for (int64_t q0 = 0; q0 < queries_.n(); q0 += kQueryRows) {
      total += std::min(kQueryRows, queries_.n() - q0) * (corpus_.n() - first_row(q0));
    }
    for (int64_t q0 = 0; q0 < queries_.n(); q0 += kQueryRows) {
      const int64_t q1 = std::min(q0 + kQueryRows, queries_.n());
      const UnitRows query(queries_.Rows(q0, q1));
      const TensorView a = Upload(query.unit, q, q1 - q0);
      query_squares_ = query.squares;
      query_begin_ = q0;
      for (int64_t i = q0; i < q1; ++i) begin(i);
      for (int64_t c0 = first_row(q0); c0 < corpus_.n(); c0 += kCorpusRows) {
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
        block_end(q0, q1);
        done += (q1 - q0) * (c1 - c0);
        if (progress) progress(done, total);
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

}  // namespace lacos
