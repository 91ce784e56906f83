// The short report of an evaluation, which programs read.
#pragma once

#include <string>
#include <vector>

#include "lacos/eval/results/results.h"

namespace lacos {

// The tasks of the sets, in the order of their first use, and the sets of a task.
std::vector<std::string> TasksInOrder(const EvaluationResults& results);
std::vector<const TaskResult*> SetsOfTask(const EvaluationResults& results,
                                          const std::string& task);
// The mean of each measure over sets of one task; NaN if any value is NaN.
std::vector<Measure> MeanMeasures(const std::vector<const TaskResult*>& sets);

// The report {"model", "tasks", "average", "aggregates"}; docs/reference/json.md explains its keys.
Json ResultsReport(const EvaluationResults& results, double confidence);

}  // namespace lacos
