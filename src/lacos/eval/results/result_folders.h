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

// Two folders of results, and the differences of what both have.
struct FolderComparison {
  std::string folder_a, folder_b;
  EvaluationResults a, b;
  std::vector<Comparison> differences;
  std::vector<std::string> apart;  // what is not compared; see CompareResults

  // A sentence about `apart`; empty if everything is compared.
  std::string NoteOnSetsApart() const;
  // {"comparisons", "not_compared"}.
  Json ToJson() const;
};
// Compares two folders that WriteResultsFolder wrote. Throws UserError for damaged files, and if no
// set can be compared.
FolderComparison CompareFolders(const std::string& a, const std::string& b,
                                const BootstrapOptions& bootstrap);
// Writes comparison.json and report.html.
void WriteComparisonFolder(const FolderComparison& comparison, double confidence,
                           const std::string& output, const OutputOptions& options);

// Writes systems.json and report.html.
void WriteSystemsFolder(const SystemsComparison& comparison, const std::string& output,
                        const OutputOptions& options, const WorkRecord& work);

}  // namespace lacos
