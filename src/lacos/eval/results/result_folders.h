// The folders in which evaluations are kept: the results of one system, a comparison of two, and a
// page about several.
#pragma once

#include <string>
#include <vector>

#include "lacos/eval/results/results.h"
#include "lacos/eval/results/systems.h"
#include "lacos/record/run_record.h"

namespace lacos {

// Writes results.json, results.csv, items.jsonl, report.html and, in mteb/, the files for MTEB's
// leaderboard. Intervals cover `confidence` of the resamples. All functions here throw UserError if
// writing fails.
void WriteResultsFolder(const EvaluationResults& results, double confidence,
                        const std::string& output, const OutputOptions& options,
                        const WorkRecord& work);

// {"comparisons", "not_compared"}. `apart` names the sets that only one of the systems has.
Json ComparisonJson(const std::vector<Comparison>& comparisons,
                    const std::vector<std::string>& apart);
// Writes comparison.json and report.html.
void WriteComparisonFolder(const EvaluationResults& a, const EvaluationResults& b,
                           const std::vector<Comparison>& comparisons,
                           const std::vector<std::string>& apart, double confidence,
                           const std::string& output, const OutputOptions& options,
                           const WorkRecord& work);

// Writes systems.json and report.html.
void WriteSystemsFolder(const SystemsComparison& comparison, const std::string& output,
                        const OutputOptions& options, const WorkRecord& work);

}  // namespace lacos
