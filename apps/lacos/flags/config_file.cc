// --config FILE: takes flags from a TOML file or from the run.json of an earlier run. Flags on the
// command line win.
#include "flags/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>

#include "flags/common.h"
#include "lacos/base/error.h"
#include "lacos/io/mapped_file.h"
#include "lacos/record/run_file.h"
#include "lacos/train/settings.h"

namespace lacos::cli {
namespace {

// One flag with its values as on a command line.
struct FlagGroup {
  std::string name;  // such as "--batch-size"
  std::vector<std::string> values;
  bool has_equals = false;  // whether it was written as in --batch-size=64
};

// Groups arguments of the forms "--name=value" and "--name value value" by flag. All arguments up
// to the next flag are values, including negative numbers.
std::vector<FlagGroup> Group(const std::vector<std::string>& arguments, size_t begin) {
  std::vector<FlagGroup> groups;
  for (size_t i = begin; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with("--")) {
      if (!groups.empty()) groups.back().values.push_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    groups.push_back({.name = argument.substr(0, equals), .values = {}});
    if (equals == std::string::npos) continue;
    groups.back().values.push_back(argument.substr(equals + 1));
    groups.back().has_equals = true;
  }
  return groups;
}

std::vector<FlagGroup> ReadToml(const std::string& path) {
  std::istringstream text(ReadFileToString(path, 1 << 20));
  std::vector<FlagGroup> groups;
  try {
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(text)) {
      if (item.name == "++" || item.name == "--") continue;  // marks of CLI11 around a [section]
      std::string name = item.name;
      std::replace(name.begin(), name.end(), '_', '-');
      groups.push_back({.name = "--" + name, .values = item.inputs});
    }
  } catch (const CLI::Error& problem) {
    throw UserError(fmt::format(
        "[{}] could not read it as TOML: {}; expected lines such as batch-size = 64; correct it",
        path, problem.what()));
  }
  return groups;
}

// Whether the flag is one of train's whose values are paths of inputs.
bool NamesPaths(const std::string& flag) {
  static const std::vector<std::string> kFlags = {"--model", "--base", "--adapter",
                                                  "--train", "--dev",  "--cache-layers"};
  return std::find(kFlags.begin(), kFlags.end(), flag) != kFlags.end();
}

// Adds the settings whose defaults depend on the version of lacos, with the values that the run had.
void AddRecordedDefaults(const RunFile& run, std::vector<FlagGroup>& groups) {
  const auto settings = run.json().Find("settings");
  if (!settings) return;
  for (const auto& [name, flag] :
       {std::pair("pooling", "--pooling"), std::pair("learning_rate", "--learning-rate")}) {
    const auto recorded = FindRecorded(*settings, name);
    const bool is_given = std::ranges::count(groups, flag, &FlagGroup::name) > 0;
    if (recorded && !is_given) groups.push_back({.name = flag, .values = {recorded->AsString()}});
  }
}

std::vector<FlagGroup> ReadRunJson(const std::string& path) {
  const RunFile run(path);
  if (!run.IsOf("train")) {
    throw UserError(fmt::format(
        "[{}] is the record of 'lacos {}'; expected that of 'lacos train'; give the run.json of a "
        "trained folder",
        path, run.Command()));
  }
  std::vector<FlagGroup> groups = Group(run.Arguments(), 0);
  AddRecordedDefaults(run, groups);
  for (FlagGroup& group : groups) {
    if (!NamesPaths(group.name)) continue;
    for (std::string& value : group.values) value = run.PathFromHere(value);
  }
  return groups;
}

// The path that follows the first --config; empty if there is none.
std::string ConfigPath(const std::vector<FlagGroup>& given) {
  const auto config = std::find_if(given.begin(), given.end(),
                                   [](const FlagGroup& group) { return group.name == "--config"; });
  return config == given.end() || config->values.empty() ? "" : config->values[0];
}

}  // namespace

std::vector<std::string> ExpandConfig(CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty()) return arguments;
  const CLI::App* command = nullptr;
  for (const CLI::App* known : app.get_subcommands({})) {
    if (known->get_name() == arguments[0]) command = known;
  }
  // `init` also has a --config, but it names the shape of a model.
  const bool takes_flags = FindOption(command, "--config") != nullptr && arguments[0] != "init";
  if (!takes_flags) return arguments;
  const std::vector<FlagGroup> given = Group(arguments, 1);
  const auto find = [&](const std::string& name) {
    return std::find_if(given.begin(), given.end(),
                        [&](const FlagGroup& group) { return group.name == name; });
  };
  const std::string path = ConfigPath(given);
  if (path.empty()) return arguments;
  std::vector<std::string> expanded = arguments;
  // Only a training run is repeated from its record.
  const bool is_record = path.ends_with(".json") && FindOption(command, "--train") != nullptr;
  for (const FlagGroup& group : is_record ? ReadRunJson(path) : ReadToml(path)) {
    const CLI::Option* option = FindOption(command, group.name);
    if (option == nullptr) {
      throw UserError(fmt::format(
          "[{}] the key '{}' is no flag of this command; expected names of flags without '--'; see "
          "'lacos {} --help'",
          path, group.name.substr(2), arguments[0]));
    }
    if (find(group.name) != given.end()) continue;
    const bool is_flag = option->get_expected_min() == 0;
    if (is_flag && !group.values.empty() && group.values[0] == "false") continue;
    if (option->get_expected_max() == 1 &&
        option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll) {
      for (const std::string& value : group.values) {  // a flag that may be repeated
        expanded.push_back(group.name);
        expanded.push_back(value);
      }
      continue;
    }
    expanded.push_back(group.name);
    if (!is_flag) expanded.insert(expanded.end(), group.values.begin(), group.values.end());
  }
  return expanded;
}

std::string RunFileOf(const std::vector<std::string>& arguments) {
  const std::string path = ConfigPath(Group(arguments, 1));
  return path.ends_with(".json") ? path : "";
}

bool IsRepeatable(const std::string& flag) {
  // --config is not in the list: init's names an input. train's has been expanded by now.
  static const std::vector<std::string> kLeftOut = {
      "--output", "--to", "--resume", "--overwrite", "--json", "--quiet", "--log-level"};
  return std::find(kLeftOut.begin(), kLeftOut.end(), flag) == kLeftOut.end();
}

std::vector<std::string> RepeatableArguments(const std::vector<std::string>& arguments,
                                             const CLI::App* command) {
  std::vector<std::string> kept;
  if (command != nullptr) {
    for (const CLI::Option* option : command->get_options()) {
      if (!option->get_positional()) continue;
      kept.insert(kept.end(), option->results().begin(), option->results().end());
    }
  }
  for (FlagGroup& group : Group(arguments, 1)) {
    if (!IsRepeatable(group.name) || (group.name == "--config" && arguments[0] != "init")) continue;
    const CLI::Option* option = FindOption(command, group.name);
    if (option != nullptr) {  // values beyond those of the flag are positional
      const size_t most = std::max<size_t>(group.has_equals, option->get_items_expected_max());
      if (group.values.size() > most) group.values.resize(most);
    }
    kept.push_back(group.name);
    kept.insert(kept.end(), group.values.begin(), group.values.end());
  }
  return kept;
}

}  // namespace lacos::cli
