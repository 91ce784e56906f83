// The distinct texts of an evaluation. Each is embedded once, however many tests it occurs in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/search/vectors.h"

namespace lacos {

// The role of a text. Models may want different prompts before queries and documents.
enum class TextRole : uint8_t { kPlain, kQuery, kDocument };

class TextTable {
 public:
  // Adds a text and returns its row. Equal texts with one role share a row.
  int64_t Add(const std::string& text, TextRole role = TextRole::kPlain) {
    const auto [place, is_new] =
        rows_.emplace(std::pair(role, text), static_cast<int64_t>(texts_.size()));
    if (is_new) texts_.push_back(&place->first);
    return place->second;
  }
  std::vector<int64_t> AddAll(const std::vector<std::string>& texts,
                              TextRole role = TextRole::kPlain) {
    std::vector<int64_t> rows;
    rows.reserve(texts.size());
    for (const std::string& text : texts) rows.push_back(Add(text, role));
    return rows;
  }
  int64_t size() const { return static_cast<int64_t>(texts_.size()); }
  const std::string& text(int64_t row) const { return texts_[static_cast<size_t>(row)]->second; }
  TextRole role(int64_t row) const { return texts_[static_cast<size_t>(row)]->first; }

 private:
  std::map<std::pair<TextRole, std::string>, int64_t> rows_;
  std::vector<const std::pair<TextRole, std::string>*> texts_;  // for each row, its key in rows_
};

// A text as programs read it, in the order in which the vectors of other systems are expected:
// {"text", "role"}.
inline Json TextJson(const TextTable& texts, int64_t row) {
  static constexpr const char* kRoles[] = {"plain", "query", "document"};
  Json json = Json::Object();
  json.Set("text", texts.text(row));
  json.Set("role", kRoles[static_cast<size_t>(texts.role(row))]);
  return json;
}

// Copies the rows `rows` of `all`, in that order: [rows.size(), d].
inline std::vector<float> GatherVectors(const Vectors& all, const std::vector<int64_t>& rows) {
  std::vector<float> gathered;
  gathered.reserve(rows.size() * static_cast<size_t>(all.d));
  for (const int64_t row : rows)
    gathered.insert(gathered.end(), all.Row(row).begin(), all.Row(row).end());
  return gathered;
}

}  // namespace lacos
