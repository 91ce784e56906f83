// Bitext mining: whether a sentence's translation is the nearest sentence of the other language.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/search/nearest.h"

namespace lacos {

// Shares from 0 to 1 of sentences whose nearest one of the other side is their translation.
struct MatchAccuracy {
  double forward = 0, backward = 0;  // from the first side to the second, and back
  double Mean() const { return (forward + backward) / 2; }
};

struct BitextResult {
  int64_t n = 0;
  MatchAccuracy cosine, margin;
  // As MTEB's BitextMining: sklearn's f1_score, weighted, of the nearest sentences by cosine,
  // forward.
  double f1_cosine = 0;
  // [n] How many of the two directions find the pair by cosine, halved: their mean is
  // cosine.Mean().
  std::vector<double> right;
  // Mining as in BUCC: candidates of both directions, best first, each sentence at most once; the
  // best F1 of all thresholds on the margin score.
  double mining_f1 = 0, mining_precision = 0, mining_recall = 0, mining_threshold = 0;
};

struct MiningOptions {
  int64_t neighbours = 4;  // over which the margin is taken
};

// Row i of `first` is a translation of row i of `second`. The margin score of x and y is cos(x, y)
// over the mean of the cosines of x's and of y's nearest neighbours on the other side: the "ratio"
// of Artetxe and Schwenk, "Margin-based Parallel Corpus Mining with Multilingual Sentence
// Embeddings" (ACL 2019).
BitextResult EvaluateBitext(Backend& backend, const Vectors& first, const Vectors& second,
                            const MiningOptions& options = {}, const SearchProgress& progress = {});

// sklearn's f1_score(average="weighted") where item i has the class `gold[i]` and was given
// `predicted[i]`.
double WeightedF1(const std::vector<int64_t>& gold, const std::vector<int64_t>& predicted);

}  // namespace lacos
