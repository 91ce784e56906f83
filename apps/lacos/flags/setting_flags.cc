// Flags made of settings: name, help, value, range and default of each come from its SettingInfo.
#include "flags/setting_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "flags/common.h"
#include "lacos/base/size_text.h"

namespace lacos::cli {
namespace {

int64_t WholeOr(double bound, int64_t otherwise) {
  return std::isinf(bound) ? otherwise : static_cast<int64_t>(bound);
}

CLI::Validator WholeIn(const SettingInfo& info) {
  return IntegerIn(WholeOr(info.low, INT64_MIN), WholeOr(info.high, INT64_MAX));
}

CLI::Validator SizeText() {
  const auto check = [](const std::string& text) -> std::string {
    return ParseSize(text)
               ? ""
               : fmt::format("found '{}'; expected a size such as 6GB, 1.5GiB or 900MB", text);
  };
  return CLI::Validator(check, "", "size");
}

CLI::Validator OneCharacter() {
  const auto check = [](const std::string& text) -> std::string {
    const bool is_ascii = text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80 &&
                          text[0] != '\n' && text[0] != '\r' && text[0] != '"';
    if (is_ascii || text == "tab" || text == "\\t") return "";
    return fmt::format("found '{}'; expected one ASCII character, or tab", text);
  };
  return CLI::Validator(check, "", "character");
}

std::vector<std::string> WordsIn(const SettingInfo& info) {
  return {info.words.begin(), info.words.end()};
}

// Adds the unit and the default, if the list of settings has them.
CLI::Option* Describe(CLI::Option* option, const SettingInfo& info) {
  if (!info.unit.empty()) option->type_name(std::string(info.unit));
  if (!info.default_text.empty()) option->default_str(SpellFlags(info.default_text));
  return option;
}

template <class T>
CLI::Option* AddOption(CLI::App* command, const SettingInfo& info, T& value) {
  return Describe(command->add_option(FlagOf(info.name), value, SpellFlags(info.help)), info);
}

template <class T>
CLI::Option* AddOptional(CLI::App* command, const SettingInfo& info, std::optional<T>& value) {
  return Describe(
      command->add_option_function<T>(
          FlagOf(info.name), [&value](const T& given) { value = given; }, SpellFlags(info.help)),
      info);
}

std::set<std::string> known_flags;  // written once, before any command runs

// Replaces names in backquotes by flags; if `known` is not null, only names of flags in it.
std::string Spell(std::string_view text, const std::set<std::string>* known) {
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::string spelled;
  for (size_t at = 0; at < text.size(); ++at) {
    spelled += text[at];
    if (text[at] != '`') continue;
    size_t end = at + 1;
    while (end < text.size() && in_name(text[end])) ++end;
    if (end == at + 1 || end == text.size() || text[end] != '`') continue;
    const std::string flag = FlagOf(text.substr(at + 1, end - at - 1));
    if (known != nullptr && !known->contains(flag)) continue;
    spelled.replace(spelled.size() - 1, 1, flag);
    at = end;
  }
  return spelled;
}

}  // namespace

std::string FlagOf(std::string_view setting) {
  std::string flag = "--" + std::string(setting);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string SpellFlags(std::string_view text) { return Spell(text, nullptr); }

void KnowFlags(CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& flag : option->get_lnames()) known_flags.insert("--" + flag);
  }
  for (CLI::App* command : app.get_subcommands({})) KnowFlags(*command);
}

std::string SpellKnownFlags(std::string_view message) { return Spell(message, &known_flags); }

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, bool& value) {
  return command->add_flag(FlagOf(info.name), value, SpellFlags(info.help));
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, int64_t& value) {
  if (info.unit != "SIZE") return AddOption(command, info, value)->check(WholeIn(info));
  CLI::Option* option = command->add_option_function<std::string>(
      FlagOf(info.name), [&value](const std::string& text) { value = *ParseSize(text); },
      SpellFlags(info.help) + ", such as 6GB, 1.5GiB or 900MB");
  option->default_str(fmt::format("{}GB", value / 1'000'000'000));
  return Describe(option, info)->check(SizeText());
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, uint64_t& value) {
  return AddOption(command, info, value)->check(WholeIn(info));
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, double& value) {
  return AddOption(command, info, value)->check(NumberIn(info.low, info.high));
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::string& value) {
  CLI::Option* option = AddOption(command, info, value);
  if (!info.words.empty()) OneOf(option, WordsIn(info));
  return info.unit == "C" ? option->check(OneCharacter()) : option;
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::vector<std::string>& value) {
  const auto check = [words = WordsIn(info)](const std::string& text) -> std::string {
    if (std::ranges::find(words, text) != words.end()) return "";
    return fmt::format("found '{}'; expected {}", text, fmt::join(words, ", "));
  };
  return AddOption(command, info, value)->delimiter(',')->check(CLI::Validator(check, "", "word"));
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::vector<int64_t>& value) {
  return AddOption(command, info, value)->delimiter(',')->check(WholeIn(info));
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<int64_t>& value) {
  return AddOptional(command, info, value)->check(WholeIn(info));
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<double>& value) {
  return AddOptional(command, info, value)->check(NumberIn(info.low, info.high));
}

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<bool>& value) {
  CLI::Option* yes = command->add_flag_callback(
      FlagOf(info.name), [&value] { value = true; }, SpellFlags(info.help));
  CLI::Option* no = command->add_flag_callback(
      FlagOf("no_" + std::string(info.name)), [&value] { value = false; },
      SpellFlags(info.help_no));
  yes->excludes(no)->default_str("what the folder says, else no");
  no->default_str("what the folder says, else yes");
  return yes;
}

CLI::Option* AddWordFlag(CLI::App* command, const SettingInfo& info,
                         const std::vector<std::string>& words,
                         const std::function<void(const std::string&)>& set) {
  return OneOf(
      command->add_option_function<std::string>(FlagOf(info.name), set, SpellFlags(info.help)),
      words);
}

}  // namespace lacos::cli
