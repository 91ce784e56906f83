// The statistics of a sweep: confidence intervals over seeds and test items together, differences
// between cells, and growth with a size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/eval/measures/bootstrap.h"
#include "lacos/eval/results/results.h"

namespace lacos {

// One score of one run, with its values on bootstrap resamples of its items
// (eval/measures/bootstrap.h). Resample b draws the same items for every run, so
// that runs are paired.
struct ScoreSeries {
  std::string name;     // "STSb de", "STSb mean", "mean of 2 sets"
  std::string measure;  // "spearman"
  int64_t n = 0;        // number of items
  double value = 0;     // the score x 100
  std::vector<double> resamples;
};

// The scores of a run: every set, then every average (named "GROUP CONVENTION"), then the mean of
// the usual sets if there are several.
std::vector<ScoreSeries> ScoresOf(const EvaluationResults& results);

// One score of a cell, over all its seeds.
struct CellScore {
  double mean = 0;
  double sd = 0;  // standard deviation over seeds, with n - 1; NaN for a single seed
  std::vector<double> by_seed;
  std::vector<double> resamples;  // see CombineSeeds
};

// Combines the runs of a cell by a two-level bootstrap. `runs` holds one series for each seed, in
// the order of the seeds. Resample b of the cell is the mean over seeds drawn with replacement,
// each on the items of resample b. Which seeds are drawn depends only on options.seed, b and the
// number of seeds, so cells with the same seeds are paired. The deviation from the mean over all n
// seeds is scaled by sqrt(n / (n - 1)): without it, the variance would be (n - 1) / n of the true
// one, a third too little with three seeds (Davison and Hinkley, "Bootstrap methods and their
// application", 1997, section 3.8).
CellScore CombineSeeds(const std::vector<ScoreSeries>& runs, const BootstrapOptions& options);

// The slope of a least-squares line through (x, score), with a confidence interval from the slopes
// on every resample.
struct Growth {
  double slope = 0;  // points per unit of x
  Interval interval;
  bool has_zero = true;  // the interval contains 0, so no growth was shown
};
// `x` holds base-2 logarithms of a size, at least two of them different.
Growth FitGrowth(const std::vector<double>& x, const std::vector<const CellScore*>& scores,
                 double confidence);

// Whether the difference between two cells is at most a given number of points.
enum class Verdict { kWithin, kOutside, kUndecided };
// kWithin: the whole interval of the difference lies in [-points, points]. kOutside: no part of it
// does. kUndecided: some part of it does.
Verdict JudgeDifference(const Interval& interval, double points);

}  // namespace lacos
