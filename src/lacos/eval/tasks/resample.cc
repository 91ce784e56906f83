// Resamples of one result, made from its items, for intervals, averages and comparisons.
#include "lacos/base/rng.h"
#include "lacos/eval/tasks/tasks.h"

namespace lacos {
namespace {

// A key for the resamples of a set. Those of different sets are independent, and those of one set
// are the same for every system.
uint64_t SetKey(const TaskName& name) {
  uint64_t key = 0;
  for (const char c : name.task + "\n" + name.name + "\n" + name.subset + "\n" + name.split) {
    key = Mix64(key, static_cast<unsigned char>(c));
  }
  return key;
}

}  // namespace

void Resample(TaskResult& result, const BootstrapOptions& bootstrap) {
  if (result.trials) return;
  result.resamples.clear();
  if (result.n < 2) return;
  std::vector<int32_t> same;
  ResampledStatistic statistic = ResampledMean(result.items);
  if (result.set.task == "sts") statistic = ResampledSpearman(result.items, result.gold);
  if (result.set.task == "pair_classification") {
    for (const double gold : result.gold) same.push_back(gold != 0 ? 1 : 0);
    statistic = ResampledAveragePrecision(result.items, same);
  }
  const auto n = static_cast<int64_t>(result.items.size());
  result.resamples = BootstrapValues(n, statistic, bootstrap, SetKey(result.set));
  for (double& value : result.resamples) value *= 100;
}

}  // namespace lacos
