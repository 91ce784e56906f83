// How sure a score is: intervals and comparisons by resampling the items that it was measured on.
#include "lacos/eval/measures/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "lacos/base/check.h"
#include "lacos/base/nan.h"
#include "lacos/base/parallel.h"
#include "lacos/base/rng.h"

namespace lacos {
namespace {

double Undefined(std::span<const int32_t>) { return kNaN; }

double WeightedPearson(std::span<const double> x, std::span<const double> y,
                       std::span<const int32_t> counts) {
  double n = 0, x_mean = 0, y_mean = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    n += counts[i];
    x_mean += counts[i] * x[i];
    y_mean += counts[i] * y[i];
  }
  x_mean /= n;
  y_mean /= n;
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double a = x[i] - x_mean, b = y[i] - y_mean;
    xx += counts[i] * a * a;
    yy += counts[i] * b * b;
    xy += counts[i] * a * b;
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : kNaN;
}

// The order of values, divided into runs of equal ones. With it the ranks of a resample need no
// sorting.
class Ranking {
 public:
  explicit Ranking(std::span<const double> x) : order_(x.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
    for (size_t i = 0; i < order_.size(); ++i) {
      if (i == 0 || x[order_[i]] != x[order_[i - 1]]) starts_.push_back(i);
    }
    starts_.push_back(order_.size());
  }
  // The average rank of each item among all drawn items.
  std::vector<double> Ranks(std::span<const int32_t> counts) const {
    std::vector<double> ranks(order_.size());
    double before = 0;
    for (size_t run = 0; run + 1 < starts_.size(); ++run) {
      double here = 0;
      for (size_t i = starts_[run]; i < starts_[run + 1]; ++i) here += counts[order_[i]];
      for (size_t i = starts_[run]; i < starts_[run + 1]; ++i)
        ranks[order_[i]] = before + (here + 1) / 2;
      before += here;
    }
    return ranks;
  }

  // Runs of equal values, the largest first.
  template <class F>
  void ForEachRunDescending(F&& f) const {
    for (size_t run = starts_.size() - 1; run-- > 0;) {
      f(std::span(order_).subspan(starts_[run], starts_[run + 1] - starts_[run]));
    }
  }

 private:
  std::vector<size_t> order_, starts_;
};

}  // namespace

std::vector<double> BootstrapValues(int64_t n, const ResampledStatistic& statistic,
                                    const BootstrapOptions& options, uint64_t set) {
  LACOS_CHECK(n > 0 && options.resamples > 0, "there is something to draw from");
  std::vector<double> values(static_cast<size_t>(options.resamples));
  ParallelFor(options.resamples, [&](int64_t b) {
    Random random(options.seed, RandomStream::kBootstrap, Mix64(set, static_cast<uint64_t>(b)));
    std::vector<int32_t> counts(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) ++counts[random.Below(static_cast<uint64_t>(n))];
    values[static_cast<size_t>(b)] = statistic(counts);
  });
  return values;
}

Interval PercentileInterval(std::vector<double> values, double confidence) {
  LACOS_CHECK(!values.empty(), "an interval is made from values");
  LACOS_CHECK(confidence > 0 && confidence < 1, "confidence is a share");
  const auto all = static_cast<double>(values.size());
  std::erase_if(values, [](double value) { return std::isnan(value); });
  const double undefined = 1 - static_cast<double>(values.size()) / all;
  if (undefined > kMostUndefined) return {.low = kNaN, .high = kNaN, .undefined = undefined};
  std::sort(values.begin(), values.end());
  // Interpolates between neighbouring values as numpy.percentile does.
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  };
  return {
      .low = at((1 - confidence) / 2), .high = at((1 + confidence) / 2), .undefined = undefined};
}

PairedDifference CompareResamples(std::span<const double> a, std::span<const double> b,
                                  double confidence) {
  LACOS_CHECK(a.size() == b.size() && !a.empty(),
              "both systems were measured on the same resamples");
  std::vector<double> differences(a.size());
  int64_t defined = 0, not_above = 0, not_below = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    differences[i] = a[i] - b[i];
    if (std::isnan(differences[i])) continue;
    ++defined;
    not_above += differences[i] <= 0 ? 1 : 0;
    not_below += differences[i] >= 0 ? 1 : 0;
  }
  const Interval interval = PercentileInterval(std::move(differences), confidence);
  if (std::isnan(interval.low)) return {.interval = interval, .p = kNaN};
  const double less =
      static_cast<double>(1 + std::min(not_above, not_below)) / static_cast<double>(defined + 1);
  return {.interval = interval, .p = std::min(1.0, 2 * less)};
}

ResampledStatistic ResampledPearson(std::span<const double> x, std::span<const double> y) {
  LACOS_CHECK(x.size() == y.size(), "both sides have as many values");
  return [x, y](std::span<const int32_t> counts) { return WeightedPearson(x, y, counts); };
}

ResampledStatistic ResampledSpearman(std::span<const double> x, std::span<const double> y) {
  LACOS_CHECK(x.size() == y.size(), "both sides have as many values");
  if (HasNaN(x) || HasNaN(y)) return Undefined;  // NaN has no place in an order
  const auto first = std::make_shared<const Ranking>(x),
             second = std::make_shared<const Ranking>(y);
  return [first, second](std::span<const int32_t> counts) {
    return WeightedPearson(first->Ranks(counts), second->Ranks(counts), counts);
  };
}

ResampledStatistic ResampledAveragePrecision(std::span<const double> similarity,
                                             std::span<const int32_t> same) {
  LACOS_CHECK(similarity.size() == same.size(), "one label for each similarity");
  if (HasNaN(similarity)) return Undefined;
  const auto ranking = std::make_shared<const Ranking>(similarity);
  return [ranking, same](std::span<const int32_t> counts) {
    double positives = 0;
    for (size_t i = 0; i < same.size(); ++i) positives += same[i] != 0 ? counts[i] : 0;
    double precision_sum = 0, found = 0, chosen = 0;
    ranking->ForEachRunDescending([&](std::span<const size_t> run) {
      double here = 0;
      for (const size_t i : run) {
        chosen += counts[i];
        here += same[i] != 0 ? counts[i] : 0;
      }
      found += here;
      if (chosen > 0) precision_sum += here * found / chosen;
    });
    return positives > 0 ? precision_sum / positives : kNaN;
  };
}

ResampledStatistic ResampledMean(std::span<const double> values) {
  return [values](std::span<const int32_t> counts) {
    double sum = 0, n = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += counts[i] * values[i];
      n += counts[i];
    }
    return sum / n;
  };
}

}  // namespace lacos
