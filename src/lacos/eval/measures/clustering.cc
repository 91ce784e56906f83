// Clustering: whether groups found in the vectors are the classes that people gave the texts.
#include "lacos/eval/measures/clustering.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"

namespace lacos {
namespace {

double Entropy(const std::map<int32_t, double>& counts, double n) {
  double entropy = 0;
  for (const auto& [label, count] : counts) entropy -= count / n * std::log(count / n);
  return entropy;
}

double SquaredDistance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return sum;
}

struct Nearest {
  int32_t centre = 0;
  double squared_distance = 0;
};

Nearest NearestCentre(std::span<const float> row, const Vectors& centres) {
  Nearest nearest{.squared_distance = std::numeric_limits<double>::infinity()};
  for (int64_t c = 0; c < centres.n(); ++c) {
    const double distance = SquaredDistance(row, centres.Row(c));
    if (distance < nearest.squared_distance) nearest = {static_cast<int32_t>(c), distance};
  }
  return nearest;
}

std::vector<Nearest> Assign(const Vectors& rows, const std::vector<int64_t>& which,
                            const Vectors& centres) {
  std::vector<Nearest> nearest(which.size());
  constexpr int64_t kPiece = 64;
  const auto n = static_cast<int64_t>(which.size());
  ParallelFor((n + kPiece - 1) / kPiece, [&](int64_t piece) {
    for (int64_t i = piece * kPiece; i < std::min(n, (piece + 1) * kPiece); ++i) {
      nearest[static_cast<size_t>(i)] =
          NearestCentre(rows.Row(which[static_cast<size_t>(i)]), centres);
    }
  });
  return nearest;
}

// Greedy k-means++: draws 2 + log k rows with probabilities proportional to their squared distance
// to the centres so far, and takes the one that lowers the sum most. Source: Arthur and
// Vassilvitskii (SODA 2007).
std::vector<float> InitialCentres(const Vectors& rows, const std::vector<int64_t>& sample,
                                  int64_t clusters, Random& random) {
  std::vector<float> centres;
  std::vector<double> distance(sample.size(), std::numeric_limits<double>::infinity());
  const auto row = [&](size_t i) { return rows.Row(sample[i]); };
  const auto trials = 2 + static_cast<int>(std::log(static_cast<double>(clusters)));
  for (int64_t c = 0; c < clusters; ++c) {
    const double total = c == 0 ? 0 : std::accumulate(distance.begin(), distance.end(), 0.0);
    std::vector<double> best;
    double best_total = std::numeric_limits<double>::infinity();
    size_t chosen = 0;
    for (int trial = 0; trial < (total > 0 ? trials : 1); ++trial) {
      size_t candidate = random.Below(sample.size());
      if (total > 0) {
        double left = random.Uniform() * total;
        candidate = 0;
        while (candidate + 1 < sample.size() && left >= distance[candidate])
          left -= distance[candidate++];
      }
      std::vector<double> nearer(sample.size());
      ParallelFor(static_cast<int64_t>(sample.size()), [&](int64_t i) {
        const auto at = static_cast<size_t>(i);
        nearer[at] = std::min(distance[at], SquaredDistance(row(at), row(candidate)));
      });
      const double sum = std::accumulate(nearer.begin(), nearer.end(), 0.0);
      if (sum >= best_total) continue;
      best_total = sum;
      best = std::move(nearer);
      chosen = candidate;
    }
    distance = std::move(best);
    centres.insert(centres.end(), row(chosen).begin(), row(chosen).end());
  }
  return centres;
}

}  // namespace

ClusterScores ScoreClusters(const std::vector<int32_t>& classes,
                            const std::vector<int32_t>& clusters) {
  LACOS_CHECK(classes.size() == clusters.size() && !classes.empty(), "a cluster for each class");
  const auto n = static_cast<double>(classes.size());
  std::map<int32_t, double> of_class, of_cluster;
  std::map<std::pair<int32_t, int32_t>, double> of_both;
  for (size_t i = 0; i < classes.size(); ++i) {
    ++of_class[classes[i]];
    ++of_cluster[clusters[i]];
    ++of_both[{classes[i], clusters[i]}];
  }
  double shared = 0;  // mutual information
  for (const auto& [both, count] : of_both) {
    shared += count / n * std::log(n * count / (of_class[both.first] * of_cluster[both.second]));
  }
  const double class_entropy = Entropy(of_class, n), cluster_entropy = Entropy(of_cluster, n);
  ClusterScores scores;
  scores.homogeneity = class_entropy == 0 ? 1 : shared / class_entropy;
  scores.completeness = cluster_entropy == 0 ? 1 : shared / cluster_entropy;
  const double sum = scores.homogeneity + scores.completeness;
  scores.v_measure = sum == 0 ? 0 : 2 * scores.homogeneity * scores.completeness / sum;
  return scores;
}

KMeansResult MiniBatchKMeans(const Vectors& rows, const KMeansOptions& options) {
  const int64_t n = rows.n(), k = options.clusters;
  if (k < 1 || n < k) {
    throw UserError(fmt::format(
        "[clustering] found {} texts for {} clusters; expected at least one text a cluster; add "
        "texts or lower the number of clusters",
        n, k));
  }
  Random random(options.seed, RandomStream::kClusters);
  const int64_t batch_size = std::min(options.batch_size, n);
  const auto draw = [&](int64_t count) {
    std::vector<int64_t> which;
    for (int64_t i = 0; i < count; ++i) {
      which.push_back(static_cast<int64_t>(random.Below(static_cast<uint64_t>(n))));
    }
    return which;
  };

  KMeansResult result;
  std::vector<int64_t> sample = RandomPermutation(n, random);
  sample.resize(static_cast<size_t>(std::min(n, 3 * std::max(batch_size, k))));
  result.centres = InitialCentres(rows, sample, k, random);
  const Vectors centres{.values = result.centres, .d = rows.d};

  constexpr int kPatience = 10;              // batches without improvement
  constexpr double kReassignedShare = 0.01;  // share of the rows of the busiest centre
  const double smoothing =
      std::min(1.0, 2.0 * static_cast<double>(batch_size) / static_cast<double>(n + 1));
  // number of rows that have moved each centre
  std::vector<double> weight(static_cast<size_t>(k), 0.0);
  double smoothed = -1, best = std::numeric_limits<double>::infinity();
  int since_best = 0;
  const int64_t most = std::max<int64_t>(1, options.max_epochs * n / batch_size);
  for (result.batches = 0; result.batches < most && since_best < kPatience; ++result.batches) {
    const std::vector<int64_t> which = draw(batch_size);
    const std::vector<Nearest> nearest = Assign(rows, which, centres);
    double inertia = 0;
    for (size_t i = 0; i < which.size(); ++i) {
      inertia += nearest[i].squared_distance;
      const auto centre = static_cast<size_t>(nearest[i].centre);
      const double rate = 1 / ++weight[centre];
      float* values = result.centres.data() + static_cast<int64_t>(centre) * rows.d;
      const std::span<const float> row = rows.Row(which[i]);
      for (size_t j = 0; j < row.size(); ++j) {
        values[j] =
            static_cast<float>(values[j] + rate * (static_cast<double>(row[j]) - values[j]));
      }
    }
    // Centres with hardly any row near them start anew at a random row, once all have had a chance.
    const double busiest = *std::max_element(weight.begin(), weight.end());
    if (result.batches > 0 && result.batches % (1 + 10 * k / batch_size) == 0) {
      for (int64_t c = 0; c < k; ++c) {
        if (weight[static_cast<size_t>(c)] >= kReassignedShare * busiest) continue;
        const auto row = rows.Row(static_cast<int64_t>(random.Below(static_cast<uint64_t>(n))));
        std::copy(row.begin(), row.end(), result.centres.begin() + c * rows.d);
        weight[static_cast<size_t>(c)] = std::max(1.0, kReassignedShare * busiest);
      }
    }
    inertia /= static_cast<double>(batch_size);
    smoothed = smoothed < 0 ? inertia : smoothed * (1 - smoothing) + inertia * smoothing;
    since_best = smoothed < best ? 0 : since_best + 1;
    best = std::min(best, smoothed);
  }

  std::vector<int64_t> all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), int64_t{0});
  for (const Nearest& nearest : Assign(rows, all, centres)) {
    result.clusters.push_back(nearest.centre);
    result.inertia += nearest.squared_distance;
  }
  return result;
}

}  // namespace lacos
