// How sure a sweep's numbers are: intervals over seeds and test items together, differences,
// fronts, growth.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/eval/measures/bootstrap.h"
#include "lacos/eval/results/results.h"

namespace lacos {

// One number of one run, with its values on the resamples of its items (eval/measures/bootstrap.h).
// Resample b draws the same items for every run, so that runs are paired.
struct ScoreSeries {
  std::string name;     // "STSb de", "STSb mean", "mean of 2 sets"
  std::string measure;  // "spearman"
  int64_t n = 0;        // items
  double value = 0;     // x 100
  std::vector<double> resamples;
};

// Every set, then every average (as "GROUP CONVENTION"), then, where there are several usual sets,
// their mean.
std::vector<ScoreSeries> ScoresOf(const EvaluationResults& results);

// The same number over a cell's seeds.
struct CellScore {
  double mean = 0;
  double sd = 0;  // over seeds, with n - 1; NaN with one
  std::vector<double> by_seed;
  std::vector<double> resamples;  // below
};

// Resample b of a cell: the mean over seeds drawn with replacement, each on the items of resample b
// (a bootstrap of two levels). Which seeds are drawn depends on b and the number of seeds alone, so
// cells with the same seeds are paired. The deviation from the mean over all seeds is scaled by
// sqrt(n / (n - 1)), without which the spread of n drawn seeds would have (n - 1) / n of its
// variance (Davison and Hinkley, "Bootstrap methods and their application", 1997, section 3.8): a
// third too little with three. `runs` is one series a seed, in the order of the seeds.
CellScore CombineSeeds(const std::vector<ScoreSeries>& runs, const BootstrapOptions& options);

// A straight line through (x, score) by least squares, its slope on every resample.
struct Growth {
  double slope = 0;  // points for each unit of x
  Interval interval;
  bool has_zero = true;  // the interval holds 0: no growth was shown
};
// x are logarithms to base 2 of a size. At least two different ones.
Growth FitGrowth(const std::vector<double>& x, const std::vector<const CellScore*>& scores,
                 double confidence);

// Whether a cell stays within so many points of another.
enum class Verdict { kWithin, kOutside, kUndecided };
// Within: the whole interval of the difference lies in [-points, points]; outside: none of it does.
Verdict JudgeDifference(const Interval& interval, double points);

}  // namespace lacos
