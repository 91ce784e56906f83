// A run that repeats another one, held against it.
#pragma once

#include <string>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

// What may make this run's result another one than that of an earlier run.json: inputs, version,
// kernels; a line each. `before` may come from any file: UserError where it is not as a run writes
// it.
std::vector<std::string> DifferencesFromRun(const Json& before, const Json& run);

}  // namespace lacos
