// The folders that evaluations are kept in: one system's results, two systems compared, one page of
// several.
#pragma once

#include <string>
#include <vector>

#include "lacos/eval/results/results.h"
#include "lacos/eval/results/systems.h"
#include "lacos/record/run_record.h"

namespace lacos {

// results.json, results.csv, items.jsonl, report.html and, in mteb/, the files of MTEB's
// leaderboard. Intervals cover `confidence` of the resamples. Throws UserError, here and below.
void WriteResultsFolder(const EvaluationResults& results, double confidence,
                        const std::string& output, const OutputOptions& options,
                        const WorkRecord& work);

// {"comparisons", "not_compared"}: `apart` names the sets that only one of both has.
Json ComparisonJson(const std::vector<Comparison>& comparisons,
                    const std::vector<std::string>& apart);
// comparison.json and report.html.
void WriteComparisonFolder(const EvaluationResults& a, const EvaluationResults& b,
                           const std::vector<Comparison>& comparisons,
                           const std::vector<std::string>& apart, double confidence,
                           const std::string& output, const OutputOptions& options,
                           const WorkRecord& work);

// systems.json and report.html.
void WriteSystemsFolder(const SystemsComparison& comparison, const std::string& output,
                        const OutputOptions& options, const WorkRecord& work);

}  // namespace lacos
