// A comparison of a run with the earlier run that it repeats.
#pragma once

#include <string>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

// Reasons why the result of this run may differ from that of an earlier run.json: other inputs,
// another version, other kernels. There is one line for each. `before` may come from any file;
// throws UserError if it does not have the form that a run writes.
std::vector<std::string> DifferencesFromRun(const Json& before, const Json& run);

}  // namespace lacos
