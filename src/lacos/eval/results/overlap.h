// How much of a test set a model was trained on, and how it scores without that.
#pragma once

#include <set>
#include <vector>

#include "lacos/data/training_texts.h"
#include "lacos/eval/results/results.h"

namespace lacos {

// Each text of the table looked up among the training texts.
std::vector<Seen> FindTexts(const TextTable& texts, const TrainingTexts& trained);

// Counts of a set whose task has these rows. The score over unseen pairs exists for sts where there
// are two or more, and for pair_classification where both labels are among them.
Overlap FindOverlap(const TextTable& texts, const std::vector<Seen>& seen,
                    const TrainingTexts& trained, const std::set<int64_t>& rows,
                    const TaskResult& result);

Json OverlapJson(const Overlap& overlap, const std::string& measure);
Overlap ReadOverlap(const Json& json);

// "3 of 27 sets have texts among the 5,117 training texts of ...", or that the training texts are
// not known. results.system's "training_texts": {"from": [...], "texts", "pairs"}.
std::string OverlapSummary(const EvaluationResults& results);
// Headings and a row: "set", "texts", "trained on", "pairs", "trained on", "score", "without them".
std::vector<std::string> OverlapHeader();
std::vector<std::string> OverlapRow(const TaskResult& result);

}  // namespace lacos
