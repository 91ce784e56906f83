// Words of a command line that the program does not know, and the known word that was probably
// meant.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lacos::cli {

// A message about the first flag, or else the first other word, that was left over when the command
// line was parsed, even if parsing ended with another mistake. Empty if there is none.
std::string UnknownWordMessage(const CLI::App& app);

// `what` is CLI11's message about a mistake. What it says of a flag without its value is put into the
// words of this program; other messages stay.
std::string ValueMessage(const std::string& what);

// A message about a word in the place of a command. Empty if it is a command of `app`.
std::string UnknownCommandMessage(const CLI::App& app, const std::string& word);

}  // namespace lacos::cli
