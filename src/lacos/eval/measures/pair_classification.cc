// Pair classification: whether cosines tell pairs that mean the same from pairs that do not.
#include "lacos/eval/measures/pair_classification.h"

#include <algorithm>
#include <numeric>

#include "lacos/base/check.h"
#include "lacos/base/error.h"

namespace lacos {

PairClassificationResult EvaluatePairs(const std::vector<double>& similarity,
                                       const std::vector<int32_t>& same) {
  LACOS_CHECK(similarity.size() == same.size(), "one label for each similarity");
  const size_t n = similarity.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return similarity[a] > similarity[b]; });

  PairClassificationResult result{.n = static_cast<int64_t>(n)};
  for (const int32_t label : same) result.positives += label != 0 ? 1 : 0;
  if (result.positives == 0 || result.positives == result.n) {
    throw UserError(
        "[pairs] found only one label; expected pairs that mean the same and pairs that do not; check "
        "the column 'label'");
  }
  const auto positives = static_cast<double>(result.positives), all = static_cast<double>(n);
  double found = 0, last_recall = 0;
  for (size_t begin = 0; begin < n;) {
    size_t end = begin;
    while (end < n && similarity[order[end]] == similarity[order[begin]])
      found += same[order[end++]] != 0 ? 1 : 0;
    // All pairs before `end` count as positive.
    const auto chosen = static_cast<double>(end);
    const double precision = found / chosen, recall = found / positives;
    result.average_precision += (recall - last_recall) * precision;
    last_recall = recall;
    const double threshold = end < n ? (similarity[order[end - 1]] + similarity[order[end]]) / 2
                                     : similarity[order[end - 1]];
    const double f1 = found == 0 ? 0 : 2 * precision * recall / (precision + recall);
    if (f1 > result.best_f1) {
      result.best_f1 = f1;
      result.best_f1_threshold = threshold;
      result.precision = precision;
      result.recall = recall;
    }
    const double accuracy = (found + (all - chosen) - (positives - found)) / all;
    if (accuracy > result.best_accuracy) {
      result.best_accuracy = accuracy;
      result.best_accuracy_threshold = threshold;
    }
    begin = end;
  }
  // The case in which no pair counts as positive.
  if ((all - positives) / all > result.best_accuracy) {
    result.best_accuracy = (all - positives) / all;
    result.best_accuracy_threshold = similarity[order[0]] + 1;
  }
  return result;
}

}  // namespace lacos
