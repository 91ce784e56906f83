// Optimizers, schedules and gradient strategies by name.
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

}  // namespace lacos
