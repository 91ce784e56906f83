// `lacos similarity --all-pairs`: the pairs of a collection that are alike, for finding duplicates
// and paraphrases.
#pragma once

#include <optional>

#include "flags/common.h"
#include "flags/vector_input.h"
#include "lacos/search/pairs.h"

namespace lacos::cli {

struct AllPairsFlags {
  std::optional<Similarity> similarity;
  std::optional<double> threshold;
  int64_t top_k = 0;  // 0 = any number
  int64_t max_pairs = PairOptions{}.max_pairs;
};
void PrintAllPairs(const GlobalOptions& globals, const VectorInput& input,
                   const AllPairsFlags& flags);

}  // namespace lacos::cli
