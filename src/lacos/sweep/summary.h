// What a sweep found: sweep.json made of its finished runs, and the forms that people read it in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/sweep/grid.h"

namespace lacos {

// A run that is there: its folder holds cell.json, results.json and items.jsonl.
struct FinishedRun {
  size_t cell = 0;
  uint64_t seed = 0;
  std::string folder;
};

// sweep.json: {"title", "seeds", "score", "confidence", "resamples", "cells": [...], "studies":
// [...], "pareto": [...]} as docs/sweeps.md describes it. Cells of which a run is missing have
// "failed" (what `failures` says of them) and no scores, and studies leave them out. Throws
// UserError for a score that nothing is called.
Json SummarizeSweep(const SweepRecipe& recipe, const Grid& grid,
                    const std::vector<FinishedRun>& runs,
                    const std::map<size_t, std::string>& failures);

// One line a cell and score: cell,trained,score,measure,n,mean,sd,low,high, then the cell's costs
// and settings.
std::string SweepCsv(const Json& sweep);
// The studies as tables for a terminal.
std::string SweepText(const Json& sweep);
// report.html, one file without scripts or requests. `run` is run.json, or null.
std::string SweepReportHtml(const Json& sweep, const Json& run);

}  // namespace lacos
