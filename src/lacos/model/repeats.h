// Finds the texts of a batch with the same token ids and adapter, because each needs to be computed
// only once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lacos/model/packed_texts.h"

namespace lacos {

struct Repeats {
  std::vector<int64_t> first;  // [U] the first row of each distinct text, in row order
  std::vector<int32_t> text;   // [N] for each row the index of its text in `first`
  bool Any() const { return first.size() < text.size(); }
};

// Compares whole sequences of ids, and the adapters of the rows if there are any. Dropout keys
// are ignored.
Repeats FindRepeats(std::span<const std::span<const int32_t>> rows,
                    std::span<const int32_t> adapters = {});
Repeats FindRepeats(const PackedTexts& texts);

}  // namespace lacos
