// Pair classification: whether cosines tell pairs that mean the same from pairs that do not.
#pragma once

#include <cstdint>
#include <vector>

namespace lacos {

struct PairClassificationResult {
  int64_t n = 0, positives = 0;
  // The area under the curve of precision against recall, as in sklearn's average_precision_score:
  // there is no interpolation, and equal similarities are taken together.
  double average_precision = 0;
  // The best F1 among all thresholds half-way between neighbouring similarities, as in
  // sentence-transformers' BinaryClassificationEvaluator, and precision and recall at that
  // threshold. A pair above the threshold counts as positive.
  double best_f1 = 0, best_f1_threshold = 0, precision = 0, recall = 0;
  double best_accuracy = 0, best_accuracy_threshold = 0;
};

// `similarity` is [n]; `same` is [n], with 1 for a pair that means the same. Throws UserError
// unless both kinds of pairs occur.
PairClassificationResult EvaluatePairs(const std::vector<double>& similarity,
                                       const std::vector<int32_t>& same);

}  // namespace lacos
