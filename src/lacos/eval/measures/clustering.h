// Clustering: whether groups found in the vectors are the classes that people gave the texts.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/search/vectors.h"

namespace lacos {

// Scores from 0 to 1, with beta = 1 as in sklearn's v_measure_score. Source: Rosenberg and
// Hirschberg, "V-Measure: a conditional entropy-based external cluster evaluation measure" (EMNLP
// 2007).
struct ClusterScores {
  double v_measure = 0, homogeneity = 0, completeness = 0;
};
ClusterScores ScoreClusters(const std::vector<int32_t>& classes,
                            const std::vector<int32_t>& clusters);

struct KMeansOptions {
  int64_t clusters = 8;
  int64_t batch_size = 500;  // MTEB's value
  int64_t max_epochs = 100;  // an epoch draws as many rows as there are
  uint64_t seed = 42;
};
struct KMeansResult {
  std::vector<int32_t> clusters;  // [n]: the nearest centre of each row
  std::vector<float> centres;     // [clusters, d]
  double inertia = 0;             // sum of squared distances to the nearest centre
  int64_t batches = 0;
};
// Mini-batch k-means on Euclidean distances, which starts with greedy k-means++ on a sample. It
// ends when none of the last ten batches improved the smoothed inertia. Centres that attract hardly
// any row are moved to random rows. The result depends on the seed alone, not on threads. Throws
// UserError if there are fewer rows than clusters. Source: Sculley, "Web-scale k-means clustering"
// (WWW 2010).
KMeansResult MiniBatchKMeans(const Vectors& rows, const KMeansOptions& options);

}  // namespace lacos
