// Optimizers, schedules, gradient strategies and sets of defaults by name.
#pragma once

#include <cstdint>

#include "lacos/base/enum_names.h"

namespace lacos {

enum class OptimizerKind : uint8_t { kAdam8, kAdam };
inline constexpr auto kOptimizerKindNames = MakeEnumNames<EnumWord<OptimizerKind>>({
    {OptimizerKind::kAdam8, "adam8"},
    {OptimizerKind::kAdam, "adam"},
});
constexpr const auto& NamesOf(OptimizerKind) { return kOptimizerKindNames; }

enum class ScheduleKind : uint8_t { kLinear, kConstant, kCosine };
inline constexpr auto kScheduleKindNames = MakeEnumNames<EnumWord<ScheduleKind>>({
    {ScheduleKind::kLinear, "linear"},
    {ScheduleKind::kConstant, "constant"},
    {ScheduleKind::kCosine, "cosine"},
});
constexpr const auto& NamesOf(ScheduleKind) { return kScheduleKindNames; }

// The gradient strategy that a run asks for. kAuto is the fastest one that fits into memory.
enum class StrategyChoice : uint8_t { kAuto, kDirect, kRecompute, kGradCache };
inline constexpr auto kStrategyChoiceNames = MakeEnumNames<EnumWord<StrategyChoice>>({
    {StrategyChoice::kAuto, "auto"},
    {StrategyChoice::kDirect, "direct"},
    {StrategyChoice::kRecompute, "recompute"},
    {StrategyChoice::kGradCache, "gradcache"},
});
constexpr const auto& NamesOf(StrategyChoice) { return kStrategyChoiceNames; }

// Defaults of earlier versions of lacos, under the year of their sources.
enum class TrainPreset : uint8_t { kNli2023 };
inline constexpr auto kTrainPresetNames = MakeEnumNames<EnumWord<TrainPreset>>({
    {TrainPreset::kNli2023, "nli-2023"},
});
constexpr const auto& NamesOf(TrainPreset) { return kTrainPresetNames; }

}  // namespace lacos
