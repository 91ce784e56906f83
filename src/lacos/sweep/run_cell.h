// One run of a sweep: one cell trained with one seed and scored, into a folder of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/eval/tasks/tasks.h"
#include "lacos/sweep/bases.h"
#include "lacos/sweep/grid.h"

namespace lacos {

struct CellRun {
  const Cell& cell;
  uint64_t seed = 0;
  PreparedBase base;
  std::string identity;  // of settings, data and evaluation (runner.h)
  std::string output;    // the folder that appears when all is done
  bool keep_model = false;
  // asked between steps and between blocks of texts; may be empty
  std::function<bool()> should_stop;
};

// Trains (where the cell is trained), embeds the evaluation's texts, scores them, and writes the
// folder: cell.json (settings, costs), results.json and items.jsonl (eval/results/results.h),
// model/ with `keep_model`. Returns false, and leaves nothing, when it was asked to stop. Peak
// memory is the process's: a process for each run makes it the run's. Throws UserError.
bool RunCell(const SweepRecipe& recipe, const CellRun& run);

// The recipe's files and suites as tasks, in its order.
std::vector<std::unique_ptr<EvaluationTask>> EvaluationTasks(const EvaluationRecipe& evaluation);

}  // namespace lacos
