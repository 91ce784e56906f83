// The tables that `lacos eval` prints.
#pragma once

#include <string>
#include <vector>

#include "lacos/eval/results/results.h"

namespace lacos::cli {

// One table for each kind of task, followed by the averages.
std::string ResultTables(const EvaluationResults& results, double confidence);
std::string ComparisonTable(const std::vector<Comparison>& comparisons, const std::string& a,
                            const std::string& b);

}  // namespace lacos::cli
