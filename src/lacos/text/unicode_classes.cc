#include "lacos/text/unicode_classes.h"

#include <map>
#include <string>

namespace lacos {
namespace {

struct UnicodeRange {
  char32_t first, last;
  uint8_t classes;
};

constexpr UnicodeRange kRanges[] = {
#include "lacos/text/unicode_ranges.inc"
};

}  // namespace

UnicodeTable::UnicodeTable() {
  std::map<std::string, uint16_t> known;
  const UnicodeRange* range = std::begin(kRanges);
  for (char32_t first = 0; first < 0x110000; first += 256) {
    std::string block(256, '\0');
    while (range != std::end(kRanges) && range->first < first + 256) {
      for (char32_t c = std::max(range->first, first); c <= range->last && c < first + 256; ++c) {
        block[c - first] = static_cast<char>(range->classes);
      }
      if (range->last >= first + 256) break;  // the range continues in the next block
      ++range;
    }
    const auto [place, added] = known.try_emplace(block, static_cast<uint16_t>(known.size()));
    if (added) blocks_.insert(blocks_.end(), block.begin(), block.end());
    block_of_[first >> 8] = place->second;
  }
}

const UnicodeTable& UnicodeTable::Get() {
  static const UnicodeTable table;
  return table;
}

}  // namespace lacos
