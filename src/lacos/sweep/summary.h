// The results of a sweep: builds sweep.json from the finished runs, and renders it for readers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/sweep/grid.h"

namespace lacos {

// A finished run. Its folder contains cell.json, results.json and items.jsonl.
struct FinishedRun {
  size_t cell = 0;
  uint64_t seed = 0;
  std::string folder;
};

// The contents of sweep.json: {"title", "seeds", "score", "confidence", "resamples", "cells":
// [...], "studies": [...], "pareto": [...]}, as described in docs/sweeps.md. A cell with a missing
// run has no scores but the key "failed" with its text from `failures`, and studies leave it out.
// Throws UserError when the recipe names a score that does not exist.
Json SummarizeSweep(const SweepRecipe& recipe, const Grid& grid,
                    const std::vector<FinishedRun>& runs,
                    const std::map<size_t, std::string>& failures);

// sweep.csv: one line for each cell and score, with the columns
// cell,trained,score,measure,n,mean,sd,low,high, followed by the cell's costs and settings.
std::string SweepCsv(const Json& sweep);
// The studies' results as tables for a terminal.
std::string SweepText(const Json& sweep);
// report.html, a single file without scripts or network requests. `run` is the contents of
// run.json, or null.
std::string SweepReportHtml(const Json& sweep, const Json& run);

}  // namespace lacos
