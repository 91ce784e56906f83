// The evaluation tasks by name: what a test set measures.
#pragma once

#include <cstdint>

#include "lacos/base/enum_names.h"

namespace lacos {

enum class Task : uint8_t {
  kSts,
  kRetrieval,
  kBitext,
  kClustering,
  kClassification,
  kPairClassification
};
// In the order of reports.
inline constexpr auto kTaskNames = MakeEnumNames<EnumWord<Task>>({
    {Task::kSts, "sts"},
    {Task::kRetrieval, "retrieval"},
    {Task::kBitext, "bitext"},
    {Task::kClustering, "clustering"},
    {Task::kClassification, "classification"},
    {Task::kPairClassification, "pair_classification"},
});
constexpr const auto& NamesOf(Task) { return kTaskNames; }

}  // namespace lacos
