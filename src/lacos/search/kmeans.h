// k-means: a given number of groups of rows, each around the mean of its rows.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/search/vectors.h"

namespace lacos {

struct KMeansOptions {
  int64_t clusters = 8;
  // The first centres [clusters, d]. If they are empty, greedy k-means++ draws them by `seed`.
  std::vector<float> initial_centres = {};
  int64_t starts = 1;  // the best of so many draws of first centres is kept
  int64_t max_iterations = 300;
  // The work ends when the squared distances that the centres moved add up to at most this times the
  // mean variance of the dimensions. scikit-learn's value.
  double tolerance = 1e-4;
  uint64_t seed = 42;
  // Called with the number of passes over the rows that are done.
  std::function<void(int64_t iterations)> progress = {};
};
struct KMeansResult {
  std::vector<int32_t> clusters;  // [n]: the nearest centre of each row
  std::vector<float> centres;     // [clusters, d]
  double inertia = 0;             // sum of squared distances to the nearest centre
  int64_t iterations = 0;         // passes over the rows, or batches
};

// Lloyd's k-means on Euclidean distances: every row goes to its nearest centre (of equal ones the
// earlier), and every centre to the mean of its rows, until nothing changes. From the same first
// centres it gives the clusters of scikit-learn's KMeans, whose rule for a cluster without rows it
// shares: its centre moves to the row that is farthest from its own centre. The result depends on
// rows, options and seed alone, not on threads. Throws UserError if there are fewer rows than
// clusters. Source: Lloyd, "Least squares quantization in PCM" (1982).
KMeansResult KMeans(Backend& backend, const Vectors& rows, const KMeansOptions& options);

struct MiniBatchOptions {
  int64_t clusters = 8;
  int64_t batch_size = 500;  // MTEB's value
  int64_t max_epochs = 100;  // an epoch draws as many rows as there are
  uint64_t seed = 42;
};
// Mini-batch k-means on Euclidean distances, which starts with greedy k-means++ on a sample. It
// ends when none of the last ten batches improved the smoothed inertia. Centres that attract hardly
// any row are moved to random rows. The result depends on the seed alone, not on threads. Throws
// UserError if there are fewer rows than clusters. Source: Sculley, "Web-scale k-means clustering"
// (WWW 2010).
KMeansResult MiniBatchKMeans(const Vectors& rows, const MiniBatchOptions& options);

}  // namespace lacos
