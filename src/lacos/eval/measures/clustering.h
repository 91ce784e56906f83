// Clustering: whether groups found in the vectors are the classes that people gave the texts.
#pragma once

#include <cstdint>
#include <vector>

namespace lacos {

// Scores from 0 to 1, with beta = 1 as in sklearn's v_measure_score. Source: Rosenberg and
// Hirschberg, "V-Measure: a conditional entropy-based external cluster evaluation measure" (EMNLP
// 2007).
struct ClusterScores {
  double v_measure = 0, homogeneity = 0, completeness = 0;
};
ClusterScores ScoreClusters(const std::vector<int32_t>& classes,
                            const std::vector<int32_t>& clusters);

}  // namespace lacos
