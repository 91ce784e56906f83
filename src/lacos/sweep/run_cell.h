// One run of a sweep: trains one cell with one seed and scores it, with all results in a folder of
// its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/eval/tasks/tasks.h"
#include "lacos/kernels/device.h"
#include "lacos/sweep/bases.h"
#include "lacos/sweep/grid.h"

namespace lacos {

struct CellRun {
  const Cell& cell;
  uint64_t seed = 0;
  Device device;  // where to compute
  PreparedBase base;
  std::string identity;  // hash of settings, data and evaluation (runner.h)
  std::string output;    // the folder that is written; it appears when everything is finished
  bool keep_model = false;
  // Called between training steps and between blocks of texts; true stops the run. May be empty.
  std::function<bool()> should_stop;
};

// Trains the model (if the cell is trained), embeds and scores the evaluation's texts, and writes
// the folder: cell.json (settings, costs), results.json and items.jsonl (eval/results/results.h),
// and model/ if `keep_model` is set. Returns false and leaves nothing behind when `should_stop`
// stopped it. The recorded peak memory is that of the process, so it is the run's own only if every
// run has its own process. Throws UserError.
bool RunCell(const SweepRecipe& recipe, const CellRun& run);

// The tasks for the recipe's files and suites, in the recipe's order.
std::vector<std::unique_ptr<EvaluationTask>> EvaluationTasks(const EvaluationRecipe& evaluation);

}  // namespace lacos
