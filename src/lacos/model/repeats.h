// Texts of a batch that have the same token ids: each needs to be computed only once.
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

// Compares whole sequences of ids; dropout keys do not count.
Repeats FindRepeats(std::span<const std::span<const int32_t>> rows);
Repeats FindRepeats(const PackedTexts& texts);

}  // namespace lacos
