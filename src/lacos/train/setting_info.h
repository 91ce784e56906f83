// The description of a training setting: everything about it except its value.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/base/enum_names.h"

namespace lacos {

struct TrainSettings;

// What a change of the setting's value affects.
enum class SettingEffect : uint8_t {
  kResult,  // the trained model; a run can be resumed only with the same value
  kPlan,    // memory, time and disk space only; the trained bytes stay the same
  kRun,     // which files of the run are kept, and what stops it
};
inline constexpr auto kSettingEffectNames = MakeEnumNames<EnumWord<SettingEffect>>({
    {SettingEffect::kResult, "result"},
    {SettingEffect::kPlan, "plan"},
    {SettingEffect::kRun, "run"},
});
constexpr const auto& NamesOf(SettingEffect) { return kSettingEffectNames; }

// The groups of settings, in the order of --help. ForEachField visits the members of a group one
// directly after another.
enum class SettingGroup : uint8_t {
  kEvaluation,  // how often a dev set is scored; flags of `lacos train` alone
  kData,
  kObjective,
  kAdapter,
  kOptimizer,
  kMemory,
  kCheckpoints,   // the settings in RunOptions
  kEveryCommand,  // flags that every command has
};
inline constexpr auto kSettingGroupNames = MakeEnumNames<EnumWord<SettingGroup>>({
    {SettingGroup::kEvaluation, "evaluation"},
    {SettingGroup::kData, "data"},
    {SettingGroup::kObjective, "objective"},
    {SettingGroup::kAdapter, "adapter"},
    {SettingGroup::kOptimizer, "optimizer"},
    {SettingGroup::kMemory, "memory"},
    {SettingGroup::kCheckpoints, "checkpoints"},
    {SettingGroup::kEveryCommand, "every command"},
});
constexpr const auto& NamesOf(SettingGroup) { return kSettingGroupNames; }

// How run.json and the model card show a setting. Settings that share a key share one line, joined
// with commas in the order of the list. The keys are those of lacos 0.1, so that runs of that
// version can be resumed. FindRecorded accepts both the key and the name of a setting.
struct SettingRecord {
  int place = 0;  // position among the lines; 0 = not shown
  std::string_view key = {};
  std::string_view format = "{}";
  bool (*when)(const TrainSettings&) = nullptr;  // condition for showing it; null = always
};

// The description of one setting. Texts write a setting's name in backquotes, and the program shows
// such a name as a flag (docs/architecture.md).
struct SettingInfo {
  std::string_view name = {};  // for example "batch_size", whose flag is --batch-size
  std::string_view help = {};
  std::string_view unit = {};  // placeholder of a value in --help: "N", "X", "D,...", "SIZE"
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::span<const std::string_view> words = {};  // allowed words of a setting that is a text
  std::string_view default_text = {};            // describes a default that is not a fixed value
  // Help text of the negating flag (--no-...), for settings that the model's folder may switch on.
  std::string_view help_no = {};
  SettingGroup group = SettingGroup::kData;
  SettingEffect effect = SettingEffect::kResult;
  SettingRecord record = {};
  int sweep_place = 0;  // position among the settings of a sweep's recipe; 0 = not part of it
};

// The type of a setting's value, given the type of its field, which may be optional.
template <class Field>
struct SettingValueType {
  using Type = Field;
};
template <class T>
struct SettingValueType<std::optional<T>> {
  using Type = T;
};

// The words that a setting with values of type T takes; none if it takes other values.
template <class T>
std::vector<std::string> WordsOfSetting(const SettingInfo& info) {
  if constexpr (NamedEnum<T>) {
    return WordsOf<T>();
  } else {
    return {info.words.begin(), info.words.end()};
  }
}

}  // namespace lacos
