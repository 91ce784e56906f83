#include "lacos/search/kmeans.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"
#include "lacos/search/nearest.h"

namespace lacos {
namespace {

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

void RequireRows(int64_t n, int64_t k) {
  if (k >= 1 && n >= k) return;
  throw UserError(fmt::format(
      "[clustering] found {} texts for {} clusters; expected at least one text a cluster; add "
      "texts or lower the number of clusters",
      n, k));
}

// scikit-learn's measure of when centres have stopped: the tolerance is relative to the mean
// variance of the dimensions.
double MeanVariance(const Vectors& rows) {
  const auto n = static_cast<double>(rows.n());
  std::vector<double> mean(static_cast<size_t>(rows.d), 0.0);
  for (int64_t i = 0; i < rows.n(); ++i) {
    for (size_t j = 0; j < mean.size(); ++j) mean[j] += rows.Row(i)[j] / n;
  }
  double squares = 0;
  for (int64_t i = 0; i < rows.n(); ++i) {
    const auto row = rows.Row(i);
    for (size_t j = 0; j < mean.size(); ++j) squares += (row[j] - mean[j]) * (row[j] - mean[j]);
  }
  return squares / n / static_cast<double>(rows.d);
}

// One start of Lloyd's k-means.
class Lloyd {
 public:
  Lloyd(Backend& backend, const Vectors& rows, std::vector<float> centres)
      : backend_(backend), rows_(rows), k_(std::ssize(centres) / rows.d) {
    result_.centres = std::move(centres);
  }

  KMeansResult Run(const KMeansOptions& options, double tolerance) {
    for (bool is_stable = false; !is_stable && result_.iterations < options.max_iterations;) {
      std::vector<int32_t> before = std::move(result_.clusters);
      Assign();
      const double moved = MoveCentres();
      ++result_.iterations;
      if (options.progress) options.progress(result_.iterations);
      is_stable = result_.clusters == before;
      if (!is_stable && moved <= tolerance) break;
    }
    Assign();  // to the last centres
    for (const double distance : distances_) result_.inertia += distance * distance;
    return std::move(result_);
  }

 private:
  Vectors Centres() const { return {.values = result_.centres, .d = rows_.d}; }

  void Assign() {
    const auto nearest =
        NearestNeighbours(backend_, rows_, Centres(), 1, {.similarity = Similarity::kEuclidean});
    result_.clusters.resize(nearest.size());
    distances_.resize(nearest.size());
    for (size_t i = 0; i < nearest.size(); ++i) {
      result_.clusters[i] = static_cast<int32_t>(nearest[i][0].index);
      distances_[i] = -nearest[i][0].similarity;
    }
  }

  // Gives rows to clusters that have none: the rows farthest from their own centres, each one at
  // most once. If every row is at its centre, clusters without rows stay where they are.
  void FillEmpty(std::vector<std::vector<int64_t>>& members) const {
    std::vector<size_t> empty;
    for (size_t c = 0; c < members.size(); ++c) {
      if (members[c].empty()) empty.push_back(c);
    }
    if (empty.empty() || *std::max_element(distances_.begin(), distances_.end()) == 0) return;
    std::vector<int64_t> far(distances_.size());
    std::iota(far.begin(), far.end(), int64_t{0});
    const auto end = far.begin() + static_cast<int64_t>(std::min(empty.size(), far.size()));
    std::partial_sort(far.begin(), end, far.end(), [&](int64_t a, int64_t b) {
      const double of_a = distances_[static_cast<size_t>(a)];
      const double of_b = distances_[static_cast<size_t>(b)];
      return of_a != of_b ? of_a > of_b : a < b;
    });
    for (size_t e = 0; e < empty.size(); ++e) {
      std::erase(members[static_cast<size_t>(result_.clusters[static_cast<size_t>(far[e])])],
                 far[e]);
      members[empty[e]] = {far[e]};
    }
  }

  // Moves every centre to the mean of its rows. Returns the sum of the squared distances moved.
  double MoveCentres() {
    std::vector<std::vector<int64_t>> members(static_cast<size_t>(k_));
    for (size_t i = 0; i < result_.clusters.size(); ++i) {
      members[static_cast<size_t>(result_.clusters[i])].push_back(static_cast<int64_t>(i));
    }
    FillEmpty(members);
    std::vector<double> moved(members.size(), 0.0);
    ParallelFor(k_, [&](int64_t c) {
      const auto& of_cluster = members[static_cast<size_t>(c)];
      if (of_cluster.empty()) return;
      std::vector<double> sum(static_cast<size_t>(rows_.d), 0.0);
      for (const int64_t row : of_cluster) {
        const auto values = rows_.Row(row);
        for (size_t j = 0; j < values.size(); ++j) sum[j] += values[j];
      }
      float* centre = result_.centres.data() + c * rows_.d;
      for (size_t j = 0; j < sum.size(); ++j) {
        const double mean = sum[j] / static_cast<double>(of_cluster.size());
        moved[static_cast<size_t>(c)] += (mean - centre[j]) * (mean - centre[j]);
        centre[j] = static_cast<float>(mean);
      }
    });
    return std::accumulate(moved.begin(), moved.end(), 0.0);
  }

  Backend& backend_;
  const Vectors rows_;
  const int64_t k_;
  KMeansResult result_;
  std::vector<double> distances_;  // of each row to its centre
};

}  // namespace

KMeansResult KMeans(Backend& backend, const Vectors& rows, const KMeansOptions& options) {
  RequireRows(rows.n(), options.clusters);
  LACOS_CHECK(options.initial_centres.empty() ||
                  std::ssize(options.initial_centres) == options.clusters * rows.d,
              "a first centre for each cluster");
  const double tolerance = options.tolerance * MeanVariance(rows);
  if (!options.initial_centres.empty())
    return Lloyd(backend, rows, options.initial_centres).Run(options, tolerance);
  Random random(options.seed, RandomStream::kClusters);
  std::vector<int64_t> all(static_cast<size_t>(rows.n()));
  std::iota(all.begin(), all.end(), int64_t{0});
  KMeansResult best;
  for (int64_t start = 0; start < options.starts; ++start) {
    KMeansResult result = Lloyd(backend, rows, InitialCentres(rows, all, options.clusters, random))
                              .Run(options, tolerance);
    if (start == 0 || result.inertia < best.inertia) best = std::move(result);
  }
  return best;
}

KMeansResult MiniBatchKMeans(const Vectors& rows, const MiniBatchOptions& options) {
  const int64_t n = rows.n(), k = options.clusters;
  RequireRows(n, k);
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
  for (result.iterations = 0; result.iterations < most && since_best < kPatience;
       ++result.iterations) {
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
    if (result.iterations > 0 && result.iterations % (1 + 10 * k / batch_size) == 0) {
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
