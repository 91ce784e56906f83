// --config FILE: flags from a TOML file, or from the run.json of an earlier run; the command line's own flags
// win.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lacos {

// `arguments` (without the program's name) with --config FILE replaced by the flags that the file holds and
// the command line does not. Throws UserError for a file that cannot be read or names an unknown flag.
std::vector<std::string> ExpandConfig(CLI::App& app, const std::vector<std::string>& arguments);

// What of a command line is worth keeping in run.json: all but where results go and how an earlier run is
// treated.
std::vector<std::string> RepeatableArguments(const std::vector<std::string>& arguments);

}  // namespace lacos
