// The training objectives by name.
#pragma once

#include <cstdint>

#include "lacos/base/enum_names.h"

namespace lacos {

enum class LossKind : uint8_t { kMnr, kSoftmax, kCosine, kCosent, kAngle, kTriplet };
inline constexpr auto kLossKindNames = MakeEnumNames<EnumWord<LossKind>>({
    {LossKind::kMnr, "mnr"},
    {LossKind::kSoftmax, "softmax"},
    {LossKind::kCosine, "cosine"},
    {LossKind::kCosent, "cosent"},
    {LossKind::kAngle, "angle"},
    {LossKind::kTriplet, "triplet"},
});
constexpr const auto& NamesOf(LossKind) { return kLossKindNames; }

}  // namespace lacos
