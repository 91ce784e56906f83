#include "lacos/model/repeats.h"

#include <string_view>
#include <unordered_map>

namespace lacos {

Repeats FindRepeats(std::span<const std::span<const int32_t>> rows) {
  Repeats repeats;
  repeats.text.reserve(rows.size());
  std::unordered_map<std::string_view, int32_t> known;  // by the bytes of the ids
  known.reserve(rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::string_view bytes(reinterpret_cast<const char*>(rows[row].data()),
                                 rows[row].size_bytes());
    const auto [place, is_new] = known.emplace(bytes, static_cast<int32_t>(repeats.first.size()));
    if (is_new) repeats.first.push_back(static_cast<int64_t>(row));
    repeats.text.push_back(place->second);
  }
  return repeats;
}

Repeats FindRepeats(const PackedTexts& texts) {
  std::vector<std::span<const int32_t>> rows;
  rows.reserve(static_cast<size_t>(texts.Texts()));
  for (int64_t n = 0; n < texts.Texts(); ++n) rows.push_back(texts.Text(n));
  return FindRepeats(rows);
}

}  // namespace lacos
