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

// "--batch-size" of batch_size.
std::string FlagOf(std::string_view setting);

// A text of the list of settings for users of the program: names in backquotes become flags.
std::string SpellFlags(std::string_view text);

// The same for a message, which may quote what a user wrote: only names of the program's flags are
// changed, once KnowFlags has seen them.
void KnowFlags(CLI::App& app);
std::string SpellKnownFlags(std::string_view message);

// "6GB", "1.5 GiB", "900MB", "123456" in bytes; nothing when malformed.
std::optional<int64_t> ParseSize(const std::string& text);

CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, bool& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, int64_t& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, uint64_t& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, double& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::string& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::vector<std::string>& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::vector<int64_t>& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<int64_t>& value);
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<double>& value);
// Two flags, for yes and for no; the first is returned.
CLI::Option* AddFlag(CLI::App* command, const SettingInfo& info, std::optional<bool>& value);

// One of `words`; `set` is called with the one that was given.
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
