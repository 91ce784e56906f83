// The tables that `lacos eval` prints and the JSON that it writes.
#pragma once

#include <string>
#include <vector>

#include "lacos/eval/results/results.h"

namespace lacos::cli {

// One table for each kind of task, followed by the averages.
std::string ResultTables(const EvaluationResults& results, double confidence);
std::string ComparisonTable(const std::vector<Comparison>& comparisons, const std::string& a,
                            const std::string& b);

// The report {"model", "tasks", "average", "aggregates"}; docs/reference/json.md explains its keys.
Json ResultsReport(const EvaluationResults& results, double confidence);

}  // namespace lacos::cli
