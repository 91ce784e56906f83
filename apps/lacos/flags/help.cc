// The layout of --help, which tools/make_cli_docs.py copies into docs/cli.md.
#include "flags/help.h"

#include <sstream>
#include <utility>

namespace lacos::cli {
namespace {

constexpr size_t kColumn = 34;  // column where descriptions begin
constexpr size_t kWidth = 78;   // width of a description, so that a line ends before column 112

// Breaks lines at spaces. CLI11 indents the text after a line break.
std::string Wrap(const std::string& text, size_t width) {
  std::istringstream words(text);
  std::string wrapped, word;
  size_t used = 0;
  while (words >> word) {
    if (used > 0 && used + 1 + word.size() > width) {
      wrapped += '\n';
      used = 0;
    } else if (used > 0) {
      wrapped += ' ';
      ++used;
    }
    wrapped += word;
    used += word.size();
  }
  return wrapped;
}

bool IsFlag(const CLI::Option* option) { return option->get_items_expected_max() == 0; }

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kColumn); }

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (IsFlag(option)) return "";
  return " " + option->get_type_name() + (option->get_expected_max() > 1 ? "..." : "");
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  std::string text = option->get_description();
  if (option->get_required()) {
    text += " (required)";
  } else if (!option->get_default_str().empty()) {
    text += " (default: " + option->get_default_str() + ")";
  } else if (!IsFlag(option)) {
    text += " (default: none)";
  } else if (option->get_name() != "--help" && option->get_name() != "--version") {
    text += " (default: off)";
  }
  return Wrap(text, kWidth);
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return Wrap(app->get_description(), kColumn + kWidth) + "\n";
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  std::ostringstream out;
  CLI::detail::format_help(out, command->get_name(), Wrap(command->get_description(), kWidth),
                           kColumn);
  return out.str();
}

// Keeps only one of the two empty lines that CLI11 puts between groups.
std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, std::move(name), mode),
                                       "\n\n\n", "\n\n");
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  return app->get_footer() + "\n";
}

std::string FirstSteps(const CLI::App& app) {
  const HelpFormatter formatter;
  std::string text = Wrap(app.get_description(), kColumn + kWidth) +
                     "\nUsage: lacos COMMAND [FLAGS]\n\nCommands to start with, in this order:\n";
  for (const char* name : {"quantize", "train", "eval", "embed", "similarity"})
    text += formatter.make_subcommand(app.get_subcommand(name));
  const size_t count = app.get_subcommands([](const CLI::App*) { return true; }).size();
  return text +
         "\n'lacos demo' runs these five on a small model that comes with the program.\n"
         "'lacos --help' lists all " +
         std::to_string(count) +
         " commands, 'lacos COMMAND --help' a command's flags with their defaults.\n";
}

}  // namespace lacos::cli
