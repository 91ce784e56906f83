// run.json: how an output folder was made, so that it can be understood and made again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common.h"
#include "lacos/io/json.h"
#include "lacos/model/run_inputs.h"

namespace lacos {

// {"lacos_version", "build", "command", "arguments", "working_directory", "flags", "seed", "machine",
// "environment"}. "arguments" are those of the command line, --config expanded, but for where the output goes
// and how it is shown: two runs of one command have equal records, whatever their folders are called.
// "working_directory" is relative to `output`, so that relative paths among the arguments keep their meaning
// where folders are moved together. No time stands in it.
Json CommandRecord(const GlobalOptions& globals, const std::string& output);

// The text of run.json for commands whose record is ready when they end: the above with the inputs that `add`
// names.
std::function<std::string()> RunRecord(const GlobalOptions& globals, const std::string& output,
                                       std::function<void(RunInputs&)> add);

}  // namespace lacos
