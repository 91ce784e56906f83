// Flags made of settings: name, help, value, range and default of each come from its SettingInfo.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/train/setting_info.h"

namespace lacos::cli {

// The flag of a setting, such as "--batch-size" for "batch_size".
std::string FlagOf(std::string_view setting);

// Rewrites a text from the list of settings for users: names in backquotes become flags.
std::string SpellFlags(std::string_view text);

// SpellKnownFlags does the same for a message, which may quote a user's own text: it changes only
// the names of flags that KnowFlags has registered.
void KnowFlags(CLI::App& app);
std::string SpellKnownFlags(std::string_view message);

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, bool& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, int64_t& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, uint64_t& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, double& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::string& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::vector<std::string>& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::vector<int64_t>& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<int64_t>& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<double>& value);
// Adds two flags, for yes and for no, and returns the first.
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<bool>& value);

// Adds a flag whose value is one of `words`. `set` is called with the given word.
CLI::Option* AddWordFlag(CLI::App* command, const SettingInfo& info,
                         const std::vector<std::string>& words,
                         const std::function<void(const std::string&)>& set);

template <NamedEnum E>
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, E& value) {
  const auto set = [&value](const std::string& word) { value = *Parse<E>(word); };
  return AddWordFlag(command, info, WordsOf<E>(), set)->default_str(std::string(Name(value)));
}
template <NamedEnum E>
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<E>& value) {
  const auto set = [&value](const std::string& word) { value = *Parse<E>(word); };
  return AddWordFlag(command, info, WordsOf<E>(), set)->default_str(std::string(info.default_text));
}

}  // namespace lacos::cli
