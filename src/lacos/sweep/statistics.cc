#include "lacos/sweep/statistics.h"

#include <fmt/format.h>

#include <cmath>

#include "lacos/base/check.h"
#include "lacos/base/nan.h"
#include "lacos/base/rng.h"

namespace lacos {
namespace {

// Selects a random substream for drawing seeds, independent of the draws of items.
constexpr uint64_t kSeedDraws = 0x5EED5;

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double Slope(const std::vector<double>& x, const std::vector<double>& y) {
  const double x_mean = Mean(x), y_mean = Mean(y);
  double xx = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    xy += (x[i] - x_mean) * (y[i] - y_mean);
  }
  return xx > 0 ? xy / xx : kNaN;
}

}  // namespace

std::vector<ScoreSeries> ScoresOf(const EvaluationResults& results) {
  std::vector<ScoreSeries> scores;
  std::vector<size_t> usual;
  for (const TaskResult& set : results.sets) {
    if (set.set.usual) usual.push_back(scores.size());
    scores.push_back({.name = set.set.Label(),
                      .measure = set.measures[0].name,
                      .n = set.n,
                      .value = set.main(),
                      // A set with trials was resampled over its own seeds and not over its items.
                      .resamples = set.trials ? std::vector<double>() : set.resamples});
  }
  for (const Aggregate& aggregate : results.aggregates) {
    scores.push_back({.name = aggregate.group + " " + aggregate.convention,
                      .measure = aggregate.measure,
                      .n = aggregate.n,
                      .value = aggregate.value,
                      .resamples = aggregate.resamples});
  }
  const auto resamples = static_cast<size_t>(results.bootstrap.resamples);
  for (ScoreSeries& score : scores) {
    if (score.resamples.size() != resamples) score.resamples.assign(resamples, score.value);
  }
  if (usual.size() < 2) return scores;
  ScoreSeries mean{.name = fmt::format("mean of {} sets", usual.size()),
                   .measure = scores[usual[0]].measure};
  mean.resamples.assign(resamples, 0);
  for (const size_t i : usual) {
    const auto share = 1 / static_cast<double>(usual.size());
    mean.n += scores[i].n;
    mean.value += share * scores[i].value;
    if (scores[i].measure != mean.measure) mean.measure = "main measures";
    for (size_t b = 0; b < resamples; ++b) mean.resamples[b] += share * scores[i].resamples[b];
  }
  scores.push_back(std::move(mean));
  return scores;
}

CellScore CombineSeeds(const std::vector<ScoreSeries>& runs, const BootstrapOptions& options) {
  LACOS_CHECK(!runs.empty(), "a cell has at least one run");
  const size_t n = runs.size();
  CellScore score;
  for (const ScoreSeries& run : runs) {
    LACOS_CHECK(run.resamples.size() == runs[0].resamples.size(), "all runs were resampled alike");
    score.by_seed.push_back(run.value);
  }
  score.mean = Mean(score.by_seed);
  double squares = 0;
  for (const double value : score.by_seed) squares += (value - score.mean) * (value - score.mean);
  score.sd = n > 1 ? std::sqrt(squares / static_cast<double>(n - 1)) : kNaN;
  const double scale = n > 1 ? std::sqrt(static_cast<double>(n) / static_cast<double>(n - 1)) : 1;
  for (size_t b = 0; b < runs[0].resamples.size(); ++b) {
    Random random(options.seed, RandomStream::kBootstrap, Mix64(kSeedDraws, b));
    double all = 0, drawn = 0;
    for (size_t i = 0; i < n; ++i) {
      all += runs[i].resamples[b];
      drawn += runs[random.Below(n)].resamples[b];
    }
    const auto count = static_cast<double>(n);
    score.resamples.push_back(all / count + scale * (drawn - all) / count);
  }
  return score;
}

Growth FitGrowth(const std::vector<double>& x, const std::vector<const CellScore*>& scores,
                 double confidence) {
  LACOS_CHECK(x.size() == scores.size() && x.size() >= 2, "a score for each size");
  std::vector<double> y(x.size());
  for (size_t i = 0; i < x.size(); ++i) y[i] = scores[i]->mean;
  Growth growth{.slope = Slope(x, y)};
  std::vector<double> slopes;
  for (size_t b = 0; b < scores[0]->resamples.size(); ++b) {
    for (size_t i = 0; i < x.size(); ++i) y[i] = scores[i]->resamples[b];
    slopes.push_back(Slope(x, y));
  }
  growth.interval = PercentileInterval(std::move(slopes), confidence);
  growth.has_zero = !(growth.interval.low > 0 || growth.interval.high < 0);
  return growth;
}

Verdict JudgeDifference(const Interval& interval, double points) {
  if (interval.low >= -points && interval.high <= points) return Verdict::kWithin;
  if (interval.low > points || interval.high < -points) return Verdict::kOutside;
  return Verdict::kUndecided;
}

}  // namespace lacos
