#include "flags/command_record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "flags/config_file.h"
#include "lacos/base/version.h"
#include "lacos/record/caller.h"
#include "lacos/record/machine.h"
#include "terminal/interrupt.h"

namespace lacos::cli {
namespace {

namespace fs = std::filesystem;

// The command's flags and positional arguments, each with its given or default value.
Json FlagsJson(const CLI::App& command) {
  Json flags = Json::Object();
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // a hidden option is not for users
    if (option->get_lnames().empty() && !option->get_positional()) continue;
    const std::string name =
        option->get_positional() ? option->get_name() : option->get_lnames()[0];
    if (name == "help" || !IsRepeatable("--" + name)) continue;
    std::string value = option->get_default_str();
    if (option->count() > 0) value = fmt::format("{}", fmt::join(option->results(), " "));
    if (option->get_expected_min() == 0 && option->count() == 0) value = "false";
    flags.Set(name, value);
  }
  return flags;
}

// The full name of the command, such as "train" or "data prepare".
std::string CommandName(const GlobalOptions& globals) {
  if (globals.command == nullptr) return globals.arguments.empty() ? "" : globals.arguments[0];
  std::string name = globals.command->get_name();
  for (const CLI::App* app = globals.command->get_parent();
       app != nullptr && app->get_parent() != nullptr; app = app->get_parent()) {
    name = app->get_name() + " " + name;
  }
  return name;
}

}  // namespace

Json CommandRecord(const GlobalOptions& globals, const std::string& output) {
  Json record = Json::Object();
  record.Set("lacos_version", kLacosVersion);
  record.Set("build", BuildRecord());
  record.Set("command", CommandName(globals));
  record.Set("arguments", Json::Strings(RepeatableArguments(globals.arguments, globals.command)));
  if (!output.empty()) record.Set("working_directory", WorkingDirectoryFrom(output));
  if (globals.command != nullptr) record.Set("flags", FlagsJson(*globals.command));
  record.Set("seed", globals.seed);
  record.Set("machine", MachineRecord());
  record.Set("environment", EnvironmentRecord());
  return record;
}

OutputOptions MakeOutputOptions(const GlobalOptions& globals, const std::string& output,
                                bool overwrite, OutputKind kind) {
  std::string folder = output;
  if (kind == OutputKind::kFile) {
    folder = fs::path(output).parent_path().string();
    if (folder.empty()) folder = ".";
  }
  return {.overwrite = overwrite,
          .record = CommandRecord(globals, folder),
          .check_cancel = CheckInterrupt};
}

}  // namespace lacos::cli
