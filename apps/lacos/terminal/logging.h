// Logging to stderr with spdlog, together with a progress line at the bottom.
#pragma once

#include <string>
#include <vector>

namespace lacos::cli {

struct GlobalOptions;

// Sets the default logger according to --log-level and --quiet.
void SetUpLogging(const GlobalOptions& globals);

// Draws the progress line of the terminal: as many of the parts, most important first, as fit into
// the present width of the terminal. Logged lines appear above it.
void DrawProgressLine(const std::vector<std::string>& parts);
void ClearProgressLine();
// The leading parts that fit into `columns`, joined by ", ". The first part is cut if it does not
// fit alone.
std::string FitParts(const std::vector<std::string>& parts, int columns);
// Whether a line on stderr can be redrawn: stderr is a terminal, and TERM is not "dumb".
bool StderrRedraws();

// Prints one line "lacos: error: ..." to stderr.
void PrintError(const std::string& message);

}  // namespace lacos::cli
