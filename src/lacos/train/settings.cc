#include "lacos/train/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lacos/base/check.h"
#include "lacos/train/options.h"

namespace lacos {

const std::vector<SettingInfo>& AllSettings() {
  static const std::vector<SettingInfo> all = [] {
    std::vector<SettingInfo> list;
    const auto add = [&](const SettingInfo& info, const auto&) { list.push_back(info); };
    TrainSettings().ForEachField(add);
    RunOptions().ForEachField(add);
    return list;
  }();
  return all;
}

const SettingInfo& SettingNamed(std::string_view name) {
  const auto found = std::ranges::find(AllSettings(), name, &SettingInfo::name);
  LACOS_CHECK(found != AllSettings().end(), "the setting stands in the list");
  return *found;
}

std::vector<std::pair<std::string, std::string>> Recipe(const TrainSettings& settings) {
  struct Line {
    int place;
    std::string key, text;
  };
  std::vector<Line> lines;
  settings.ForEachField([&](const SettingInfo& info, const auto& value) {
    const SettingRecord& record = info.record;
    if (record.place == 0 || (record.when != nullptr && !record.when(settings))) return;
    const std::string text = fmt::format(fmt::runtime(record.format), SettingText(value));
    const auto line = std::ranges::find(lines, record.key, &Line::key);
    if (line != lines.end()) {
      line->text += ", " + text;
    } else {
      lines.push_back({record.place, std::string(record.key), text});
    }
  });
  std::ranges::stable_sort(lines, {}, &Line::place);
  std::vector<std::pair<std::string, std::string>> recipe;
  for (Line& line : lines) recipe.emplace_back(std::move(line.key), std::move(line.text));
  return recipe;
}

std::optional<Json> FindRecorded(const Json& recorded, std::string_view name) {
  if (auto value = recorded.Find(name)) return value;
  const SettingRecord& record = SettingNamed(name).record;
  return record.key.empty() || record.format != "{}" ? std::nullopt : recorded.Find(record.key);
}

std::string SettingText(bool value) { return value ? "yes" : "no"; }
std::string SettingText(int64_t value) { return fmt::format("{}", value); }
std::string SettingText(uint64_t value) { return fmt::format("{}", value); }
std::string SettingText(double value) { return fmt::format("{}", value); }
std::string SettingText(const std::string& value) { return value; }
std::string SettingText(const std::vector<std::string>& value, std::string_view between) {
  return fmt::format("{}", fmt::join(value, between));
}
std::string SettingText(const std::vector<int64_t>& value, std::string_view between) {
  return fmt::format("{}", fmt::join(value, between));
}

}  // namespace lacos
