// Semantic textual similarity: correlation of cosines with gold scores.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lacos/data/examples.h"
#include "lacos/model/text_encoder.h"

namespace lacos {

struct StsResult {
  std::string name;
  int64_t n = 0;
  double spearman = 0, pearson = 0;  // x 100
  EncodeStatistics encoding;
};

// Cosine of two vectors in double; 0 when one is zero.
double Cosine(std::span<const float> a, std::span<const float> b);
// Cosine of rows i of two [n, d] matrices in double; 0 when a vector is zero.
std::vector<double> PairCosines(const std::vector<float>& a, const std::vector<float>& b, int64_t d);
// Correlations of given cosines (or any similarities) with the gold scores.
StsResult ScoreSts(const std::string& name, const std::vector<double>& similarity,
                   const std::vector<double>& gold);
// Embeds each distinct text once and scores. `prompt` goes before every text. Correlations that do not exist
// (constant sides, fewer than two pairs) are NaN. `encoding` counts distinct texts; `progress` gets (texts
// done, texts in all).
StsResult EvaluateSts(TextEncoder& encoder, const ScoredPairs& pairs, const std::string& prompt,
                      const std::function<void(int64_t, int64_t)>& progress = {});

}  // namespace lacos
