// Logs on stderr through spdlog, kept apart from a progress line that is being drawn.
#pragma once

#include <string>
#include <vector>

namespace lacos::cli {

struct GlobalOptions;

// Sets the default logger by --log-level and --quiet.
void SetUpLogging(const GlobalOptions& globals);

// Draws the progress line of the terminal: as many of the parts, most important first, as fit into
// its width, which is asked for each time. Logged lines appear above it.
void DrawProgressLine(const std::vector<std::string>& parts);
void ClearProgressLine();
// The leading parts, joined by ", ", that fit into `columns`; the first is cut where even it does
// not.
std::string FitParts(const std::vector<std::string>& parts, int columns);
// Whether a line on stderr can be drawn over: a terminal, and not one that says TERM=dumb.
bool StderrRedraws();

// One line "lacos: error: ..." on stderr.
void PrintError(const std::string& message);

}  // namespace lacos::cli
