// Pair classification: whether cosines tell pairs that mean the same from pairs that do not.
#pragma once

#include <cstdint>
#include <vector>

namespace lacos {

struct PairClassificationResult {
  int64_t n = 0, positives = 0;
  // Area under precision against recall, as sklearn's average_precision_score: no interpolation,
  // equal similarities at once.
  double average_precision = 0;
  // The best of all thresholds half-way between neighbouring similarities (sentence-transformers'
  // BinaryClassificationEvaluator); a pair above it counts as positive.
  // the last two at that threshold
  double best_f1 = 0, best_f1_threshold = 0, precision = 0, recall = 0;
  double best_accuracy = 0, best_accuracy_threshold = 0;
};

// `similarity` [n], `same` [n]: 1 for a pair that means the same. Throws UserError unless both
// kinds occur.
PairClassificationResult EvaluatePairs(const std::vector<double>& similarity,
                                       const std::vector<int32_t>& same);

}  // namespace lacos
