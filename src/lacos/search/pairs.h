// Pairs of rows that are alike, among any number of rows: duplicates and paraphrases.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/search/block_search.h"
#include "lacos/search/vectors.h"

namespace lacos {

struct SimilarPair {
  int64_t first = 0, second = 0;  // rows, first < second
  double similarity = 0;
};

struct PairOptions {
  Similarity similarity = Similarity::kCosine;
  std::optional<double> threshold;  // the least similarity of a pair; absent = any
  // A pair counts only if one of its rows is among the `top_k` rows nearest to the other one;
  // 0 = every pair counts.
  int64_t top_k = 0;
  int64_t max_pairs = 500'000;  // only the most similar pairs are kept, at most so many
  SearchProgress progress = {};
};

struct SimilarPairs {
  std::vector<SimilarPair> pairs;  // the most similar first, then by `first` and `second`
  int64_t found = 0;               // pairs that meet `threshold` and `top_k`, kept or not
};

// Pairs of different rows of `rows` [n, d], each once. The similarities equal those of
// SimilarityOf() to the last bit, and no pair is missed. Memory is n plus `max_pairs` entries beside
// the rows, whatever the threshold. With top_k the pairs are those of sentence-transformers'
// paraphrase_mining.
SimilarPairs FindSimilarPairs(Backend& backend, const Vectors& rows, const PairOptions& options);

}  // namespace lacos
