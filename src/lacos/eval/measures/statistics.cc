#include "lacos/eval/measures/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lacos/base/check.h"
#include "lacos/base/nan.h"

namespace lacos {
namespace {

// x minus its mean, scaled to length 1; empty if x is constant. Scaling by the largest magnitude
// first keeps the squares inside the range of double.
std::vector<double> Standardize(std::span<const double> x) {
  if (std::all_of(x.begin(), x.end(), [&](double value) { return value == x[0]; })) return {};
  double largest = 0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  std::vector<double> centred(x.begin(), x.end());
  for (double& value : centred) value /= largest;
  const double mean =
      std::accumulate(centred.begin(), centred.end(), 0.0) / static_cast<double>(x.size());
  double spread = 0;
  for (double& value : centred) {
    value -= mean;
    spread = std::max(spread, std::abs(value));
  }
  if (spread == 0) return {};
  double sum = 0;
  for (double& value : centred) {
    value /= spread;
    sum += value * value;
  }
  for (double& value : centred) value /= std::sqrt(sum);
  return centred;
}

}  // namespace

double Pearson(std::span<const double> x, std::span<const double> y) {
  LACOS_CHECK(x.size() == y.size(), "both sides have as many values");
  if (x.size() < 2 || HasNaN(x) || HasNaN(y)) return kNaN;
  const std::vector<double> a = Standardize(x), b = Standardize(y);
  if (a.empty() || b.empty()) return kNaN;
  return std::clamp(std::inner_product(a.begin(), a.end(), b.begin(), 0.0), -1.0, 1.0);
}

std::vector<double> AverageRanks(std::span<const double> x) {
  if (HasNaN(x)) return std::vector<double>(x.size(), kNaN);
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> ranks(x.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && x[order[end]] == x[order[begin]]) ++end;
    const double rank = 0.5 * static_cast<double>(begin + 1 + end);  // the mean of begin + 1 to end
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    begin = end;
  }
  return ranks;
}

double Spearman(std::span<const double> x, std::span<const double> y) {
  return Pearson(AverageRanks(x), AverageRanks(y));
}

}  // namespace lacos
