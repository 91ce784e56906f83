// Semantic textual similarity: correlation of similarities with gold scores.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lacos/base/similarity.h"
#include "lacos/data/examples.h"
#include "lacos/model/text_encoder.h"

namespace lacos {

struct StsResult {
  std::string name;
  int64_t n = 0;
  double spearman = 0, pearson = 0;  // times 100
  EncodeStatistics encoding;
};

// The correlations of given similarities with the gold scores.
StsResult ScoreSts(const std::string& name, const std::vector<double>& similarity,
                   const std::vector<double>& gold);
// Embeds each distinct text once and scores the pairs. `prompt` is put before every text. Undefined
// correlations (constant sides, fewer than two pairs) are NaN. `encoding` counts distinct texts.
// `progress` gets the number of texts done and of all texts.
StsResult EvaluateSts(TextEncoder& encoder, const ScoredPairs& pairs, const std::string& prompt,
                      Similarity similarity,
                      const std::function<void(int64_t, int64_t)>& progress = {});

}  // namespace lacos
