// What `lacos eval` shows and keeps of its results.
#pragma once

#include <string>
#include <vector>

#include "lacos/eval/results/results.h"

namespace lacos::cli {

// Tables, one a kind of task, with averages beneath.
std::string ResultTables(const EvaluationResults& results, double confidence);
std::string ComparisonTable(const std::vector<Comparison>& comparisons, const std::string& a,
                            const std::string& b);

// {"model", "tasks", "average", "aggregates"}: docs/contract.md.
Json ResultsReport(const EvaluationResults& results, double confidence);

}  // namespace lacos::cli
