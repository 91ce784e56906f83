// Texts of a batch that have the same token ids and adapter: each needs to be computed only once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lacos/model/packed_texts.h"

namespace lacos {

struct Repeats {
  std::vector<int64_t> first;  // [U] the first row of each distinct text, in row order
  std::vector<int32_t> text;   // [N] the place in `first` of each row's text
  bool Any() const { return first.size() < text.size(); }
};

// Compares whole sequences of ids, and the rows' adapters where there are any; dropout keys do not
// count.
Repeats FindRepeats(std::span<const std::span<const int32_t>> rows,
                    std::span<const int32_t> adapters = {});
Repeats FindRepeats(const PackedTexts& texts);

}  // namespace lacos
