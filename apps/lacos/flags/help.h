// The layout of --help: flag and value on the left, the description with its default on the right.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace lacos::cli {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_footer(const CLI::App* app) const override;
};

// What `lacos` says without a command: the commands that a new user needs first.
std::string FirstSteps(const CLI::App& app);

}  // namespace lacos::cli
