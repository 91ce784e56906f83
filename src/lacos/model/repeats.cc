#include "lacos/model/repeats.h"

#include <functional>
#include <string_view>
#include <unordered_map>

namespace lacos {

namespace {

struct Text {
  std::string_view ids;  // the bytes of the ids
  int32_t adapter = 0;
  bool operator==(const Text&) const = default;
};
struct HashText {
  size_t operator()(const Text& text) const {
    return std::hash<std::string_view>()(text.ids) ^
           (static_cast<size_t>(text.adapter) * 0x9e3779b97f4a7c15U);
  }
};

}  // namespace

Repeats FindRepeats(std::span<const std::span<const int32_t>> rows,
                    std::span<const int32_t> adapters) {
  Repeats repeats;
  repeats.text.reserve(rows.size());
  std::unordered_map<Text, int32_t, HashText> known;
  known.reserve(rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::string_view bytes(reinterpret_cast<const char*>(rows[row].data()),
                                 rows[row].size_bytes());
    const auto [place, is_new] = known.emplace(Text{bytes, adapters.empty() ? 0 : adapters[row]},
                                               static_cast<int32_t>(repeats.first.size()));
    if (is_new) repeats.first.push_back(static_cast<int64_t>(row));
    repeats.text.push_back(place->second);
  }
  return repeats;
}

Repeats FindRepeats(const PackedTexts& texts) {
  std::vector<std::span<const int32_t>> rows;
  rows.reserve(static_cast<size_t>(texts.Texts()));
  for (int64_t n = 0; n < texts.Texts(); ++n) rows.push_back(texts.Text(n));
  return FindRepeats(rows, texts.adapters);
}

}  // namespace lacos
