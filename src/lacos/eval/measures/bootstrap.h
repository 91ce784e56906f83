// How sure a score is: intervals and comparisons by resampling the items that it was measured on.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace lacos {

struct BootstrapOptions {
  int64_t resamples = 2000;
  double confidence = 0.95;
  uint64_t seed = 42;
};

// A statistic of n items, in which item i occurs counts[i] times.
using ResampledStatistic = std::function<double(std::span<const int32_t> counts)>;

// The statistic on each of the resamples, which are n items drawn with replacement. The drawn items
// depend only on n, the seed and `set`, so that two systems measured on the same items are compared
// on the same resamples. `set` distinguishes independent sets of items. `statistic` is called from
// several threads.
std::vector<double> BootstrapValues(int64_t n, const ResampledStatistic& statistic,
                                    const BootstrapOptions& options, uint64_t set = 0);

// The percentile interval (Efron, 1979) of such values. On some resamples a correlation does not
// exist (every drawn cosine or gold score is the same), and the value is NaN. Such values are left
// out and their share is reported. If it is above kMostUndefined there is no interval, and low and
// high are NaN. So a 95 % interval holds at least 0.95 * 0.95 = 90 % of all resamples, wherever the
// undefined ones might lie.
inline constexpr double kMostUndefined = 0.05;
struct Interval {
  double low = 0, high = 0;
  double undefined = 0;  // share of the values that are NaN
};
Interval PercentileInterval(std::vector<double> values, double confidence);

// Whether two systems differ, judged by their values on the same resamples. Source: Koehn,
// "Statistical significance tests for machine translation evaluation" (EMNLP 2004), two-sided.
// Resamples on which one of them is undefined are left out as above; if there are too many, p is
// NaN.
struct PairedDifference {
  Interval interval;  // the interval of a - b
  // Twice the share of resamples on which the difference has the other sign, but at least
  // 1 / (resamples + 1).
  double p = 1;
};
PairedDifference CompareResamples(std::span<const double> a, std::span<const double> b,
                                  double confidence);

// Pearson's r and Spearman's rho of resampled pairs. Sorting is done once. x and y must outlive the
// results.
ResampledStatistic ResampledPearson(std::span<const double> x, std::span<const double> y);
ResampledStatistic ResampledSpearman(std::span<const double> x, std::span<const double> y);
// sklearn's average_precision_score of resampled pairs (pair_classification.h); NaN if only one
// label was drawn.
ResampledStatistic ResampledAveragePrecision(std::span<const double> similarity,
                                             std::span<const int32_t> same);
// The mean of resampled values.
ResampledStatistic ResampledMean(std::span<const double> values);

}  // namespace lacos
