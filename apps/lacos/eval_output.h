// What `lacos eval` shows and keeps of its results.
#pragma once

#include <string>
#include <vector>

#include "lacos/eval/embed_table.h"
#include "lacos/eval/results.h"

namespace lacos {

// Texts of a set that lost their end, and that have no tokens.
struct TextCounts {
  int64_t truncated = 0, empty = 0;
};

// Tables, one a kind of task, with averages beneath.
std::string ResultTables(const EvaluationResults& results, const std::vector<TextCounts>& counts,
                         double confidence);
std::string ComparisonTable(const std::vector<Comparison>& comparisons, const std::string& a,
                            const std::string& b);

// {"model", "tasks", "average", "aggregates"}: docs/contract.md.
Json ResultsReport(const EvaluationResults& results, const std::vector<TextCounts>& counts,
                   double confidence);
Json ComparisonReport(const std::vector<Comparison>& comparisons, const std::vector<std::string>& apart);

}  // namespace lacos
