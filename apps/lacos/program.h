// What every program of lacos does around its commands: parses the command line, sets up logging,
// threads and signals, runs the chosen command, and turns every way to end into an exit status.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lacos::cli {

struct GlobalOptions;
using AddCommandsFunction = std::function<void(CLI::App& app, GlobalOptions& globals)>;

// Returns the exit status: 0 for success, 1 for wrong input, 2 for a wrong command line, 130 after an
// interruption.
int RunProgram(int argc, char** argv, const AddCommandsFunction& add_commands);

}  // namespace lacos::cli
