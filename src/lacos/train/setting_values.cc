#include "lacos/train/setting_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "lacos/base/error.h"

namespace lacos {
namespace {

template <class T>
void CheckRange(const SettingInfo& info, T value) {
  const auto number = static_cast<double>(value);
  if (std::isfinite(number) && number >= info.low && number <= info.high) return;
  const std::string whole = std::is_integral_v<T> ? "whole " : "";
  const std::string range =
      !std::isfinite(info.low) ? fmt::format("a finite {}number", whole)
      : std::isfinite(info.high)
          ? fmt::format("a {}number from {} to {}", whole, info.low, info.high)
          : fmt::format("a {}number of at least {}", whole, info.low);
  throw UserError(fmt::format("[`{}`] found {}; expected {}; correct it", info.name, value, range));
}

void CheckWord(const SettingInfo& info, const std::string& word) {
  if (info.words.empty() || std::ranges::find(info.words, word) != info.words.end()) return;
  throw UserError(fmt::format("[`{}`] found '{}'; expected {}; correct it", info.name, word,
                              fmt::join(info.words, ", ")));
}

}  // namespace

void CheckSettingValue(const SettingInfo& info, int64_t value) { CheckRange(info, value); }
void CheckSettingValue(const SettingInfo& info, uint64_t value) { CheckRange(info, value); }
void CheckSettingValue(const SettingInfo& info, double value) { CheckRange(info, value); }

void CheckSettingValue(const SettingInfo& info, const std::string& value) {
  if (!value.empty()) CheckWord(info, value);
  // The only unit of texts whose form is checked: a separator of columns.
  const bool is_ascii = value.size() == 1 && static_cast<unsigned char>(value[0]) < 0x80 &&
                        value != "\n" && value != "\r" && value != "\"";
  if (info.unit != "C" || value.empty() || is_ascii || value == "tab" || value == "\\t") return;
  throw UserError(fmt::format("[`{}`] found '{}'; expected one ASCII character, or tab; correct it",
                              info.name, value));
}

void CheckSettingValue(const SettingInfo& info, const std::vector<std::string>& value) {
  for (const std::string& word : value) CheckWord(info, word);
}

void CheckSettingValue(const SettingInfo& info, const std::vector<int64_t>& value) {
  for (const int64_t number : value) CheckRange(info, number);
}

}  // namespace lacos
