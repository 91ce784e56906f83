#include "lacos/data/prepare/known_sets.h"

namespace lacos {
namespace {

constexpr KnownSet kKnownSets[] = {
#include "lacos/data/prepare/known_sets.inc"
};

}  // namespace

std::span<const KnownSet> KnownSets() { return kKnownSets; }

const KnownSet* FindKnownSet(std::string_view task, std::string_view name, std::string_view subset,
                             std::string_view split) {
  for (const KnownSet& set : kKnownSets) {
    if (set.task == task && set.name == name && set.subset == subset && set.split == split)
      return &set;
  }
  return nullptr;
}

}  // namespace lacos
