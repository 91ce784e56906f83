// How much of a test set is among the texts that a model was trained on, and how the model scores
// without these.
#pragma once

#include <set>
#include <vector>

#include "lacos/data/training_texts.h"
#include "lacos/eval/results/results.h"

namespace lacos {

// Looks up each text of the table among the training texts.
std::vector<Seen> FindTexts(const TextTable& texts, const TrainingTexts& trained);

// Counts for a set whose task has these rows. The score over unseen pairs is defined for sts if
// there are two or more of them, and for pair_classification if both labels occur among them.
Overlap FindOverlap(const TextTable& texts, const std::vector<Seen>& seen,
                    const TrainingTexts& trained, const std::set<int64_t>& rows,
                    const TaskResult& result);

Json OverlapJson(const Overlap& overlap, const std::string& measure);
Overlap ReadOverlap(const Json& json);

// A sentence such as "3 of 27 sets have texts among the 5,117 training texts of ...", or one which
// says that the training texts are not known. It is made from results.system's "training_texts":
// {"from": [...], "texts", "pairs"}.
std::string OverlapSummary(const EvaluationResults& results);
// The headings of a table, and a row of it: "set", "texts", "trained on", "pairs", "trained on",
// "score", "without them".
std::vector<std::string> OverlapHeader();
std::vector<std::string> OverlapRow(const TaskResult& result);

}  // namespace lacos
