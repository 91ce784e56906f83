// Bitext mining: whether a sentence's translation is the nearest sentence of the other language.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/search/nearest.h"

namespace lacos {

// The shares, from 0 to 1, of sentences for which the nearest sentence of the other side is their
// translation.
struct MatchAccuracy {
  // from the first side to the second, and from the second to the first
  double forward = 0, backward = 0;
  double Mean() const { return (forward + backward) / 2; }
};

struct BitextResult {
  int64_t n = 0;
  MatchAccuracy cosine, margin;
  // As in MTEB's BitextMining: sklearn's weighted f1_score of the nearest sentences by cosine, from
  // the first side to the second.
  double f1_cosine = 0;
  // [n]: half the number of directions that find the pair by cosine. Its mean is cosine.Mean().
  std::vector<double> right;
  // Mining as in BUCC: candidates of both directions are taken best first, each sentence at most
  // once. The values are those at the threshold on the margin score that gives the best F1.
  double mining_f1 = 0, mining_precision = 0, mining_recall = 0, mining_threshold = 0;
};

struct MiningOptions {
  int64_t neighbours = 4;  // number of neighbours for the margin
};

// Row i of `first` is a translation of row i of `second`. The margin score of x and y is cos(x, y)
// divided by the mean cosine of x and of y with their nearest neighbours on the other side. Source:
// the "ratio" in Artetxe and Schwenk, "Margin-based Parallel Corpus Mining with Multilingual
// Sentence Embeddings" (ACL 2019).
BitextResult EvaluateBitext(Backend& backend, const Vectors& first, const Vectors& second,
                            const MiningOptions& options = {}, const SearchProgress& progress = {});

// sklearn's f1_score(average="weighted"): item i has the class `gold[i]` and was predicted to have
// `predicted[i]`.
double WeightedF1(const std::vector<int64_t>& gold, const std::vector<int64_t>& predicted);

}  // namespace lacos
