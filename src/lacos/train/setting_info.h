// What there is to say of a training setting besides its value.
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

// What another value changes.
enum class SettingEffect : uint8_t {
  kResult,  // the trained model: a run is resumed only with the same value
  kPlan,    // memory, time and disk only, which the memory plan weighs: the same bytes result
  kRun,     // what of the run is kept, and what stops it
};
inline constexpr auto kSettingEffectNames = MakeEnumNames<EnumWord<SettingEffect>>({
    {SettingEffect::kResult, "result"},
    {SettingEffect::kPlan, "plan"},
    {SettingEffect::kRun, "run"},
});
constexpr const auto& NamesOf(SettingEffect) { return kSettingEffectNames; }

// The groups of the list, in the order of --help; each is one call of visit after another.
enum class SettingGroup : uint8_t {
  kEvaluation,  // how often a dev set is scored: flags of `lacos train` alone
  kData,
  kObjective,
  kAdapter,
  kOptimizer,
  kMemory,
  kCheckpoints,   // RunOptions
  kEveryCommand,  // flags that each command has
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

// How run.json and the model card show a setting. Settings that share a key are one line of them,
// joined with commas in the order of the list. Keys are those of lacos 0.1, so that its runs can be
// resumed; FindRecorded reads both a key and a name.
struct SettingRecord {
  int place = 0;  // among the lines; 0: not shown
  std::string_view key = {};
  std::string_view format = "{}";
  bool (*when)(const TrainSettings&) = nullptr;  // null: always
};

// What there is to say of a setting besides its value. In texts a setting's name stands in
// backquotes; the program shows it as a flag (docs/architecture.md).
struct SettingInfo {
  std::string_view name = {};  // "batch_size": the flag is --batch-size
  std::string_view help = {};
  std::string_view unit = {};  // what stands for a value in --help: "N", "X", "D,...", "SIZE"
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::span<const std::string_view> words = {};  // of texts that are one of a few words
  std::string_view default_text = {};            // where the default is no value of its own
  std::string_view help_no = {};  // of the flag that says no, where the folder may say yes
  SettingGroup group = SettingGroup::kData;
  SettingEffect effect = SettingEffect::kResult;
  SettingRecord record = {};
  int sweep_place = 0;  // among the settings of a sweep's recipe; 0: none of them
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
