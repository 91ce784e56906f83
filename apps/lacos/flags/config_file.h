// --config FILE: takes flags from a TOML file or from the run.json of an earlier run. Flags on the
// command line win.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lacos::cli {

// Returns `arguments` (without the program's name) followed by the flags in the file of --config
// that the command line does not have. Relative paths in a run.json keep the meaning that they had
// for that run, wherever this one is started: they are resolved from the place of the file, and
// used unchanged if nothing exists there. Throws UserError for a file that cannot be read, belongs
// to another command or names an unknown flag.
std::vector<std::string> ExpandConfig(CLI::App& app, const std::vector<std::string>& arguments);

// The run.json that a command line names with --config, or an empty path.
std::string RunFileOf(const std::vector<std::string>& arguments);

// The arguments that run.json keeps: all except those that say where results go, how they are
// shown, and how an earlier run is treated. Positional arguments, which only the parsed `command`
// knows, come first.
bool IsRepeatable(const std::string& flag);
std::vector<std::string> RepeatableArguments(const std::vector<std::string>& arguments,
                                             const CLI::App* command = nullptr);

}  // namespace lacos::cli
