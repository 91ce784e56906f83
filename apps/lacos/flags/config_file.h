// --config FILE: flags from a TOML file, or from the run.json of an earlier run; the command line's
// own flags win.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lacos::cli {

// `arguments` (without the program's name) with --config FILE replaced by the flags that the file
// holds and the command line does not. Relative paths in a run.json mean what they meant to that
// run, wherever this one is started: they are found from the place of the file; what is not there
// is looked for as it stands. Throws UserError for a file that cannot be read, is of another
// command or names an unknown flag.
std::vector<std::string> ExpandConfig(CLI::App& app, const std::vector<std::string>& arguments);

// The run.json that a command line names with --config, or an empty path.
std::string RunFileOf(const std::vector<std::string>& arguments);

// What of a command line is worth keeping in run.json: all but where results go, how they are
// shown, and how an earlier run is treated. Positional arguments, which only the parsed `command`
// can tell, come first.
bool IsRepeatable(const std::string& flag);
std::vector<std::string> RepeatableArguments(const std::vector<std::string>& arguments,
                                             const CLI::App* command = nullptr);

}  // namespace lacos::cli
