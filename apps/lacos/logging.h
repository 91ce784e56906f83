// Logs on stderr through spdlog, kept apart from a progress line that is being drawn.
#pragma once

#include <string>

namespace lacos {

struct GlobalOptions;

// Sets the default logger by --log-level and --quiet.
void SetUpLogging(const GlobalOptions& globals);

// Draws `line` as the progress line of the terminal, or removes it when empty.
void DrawProgressLine(const std::string& line);
bool StderrIsTerminal();

// One line "lacos: error: ..." on stderr.
void PrintError(const std::string& message);

}  // namespace lacos
