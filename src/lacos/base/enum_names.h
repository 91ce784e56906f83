// The table of words beside each enumeration. A row lists all words for one value. Parsing,
// printing, flags, recipes, Python's types and the docs read these tables; the words are written
// nowhere else.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/base/check.h"

namespace lacos {

// A row for enumerations with one word a value. Other tables define rows of their own, which also
// have the members `value` and `word`.
template <class E>
struct EnumWord {
  E value;
  std::string_view word;
};

// The rows in the order in which --help and the docs list the words.
template <class RowType, size_t N>
class EnumNames {
 public:
  using Row = RowType;
  using Enum = decltype(Row::value);

  explicit constexpr EnumNames(const std::array<Row, N>& rows) : rows_(rows) {
    for (size_t i = 0; i < N; ++i) {
      for (size_t k = 0; k < i; ++k) {
        LACOS_CHECK(rows[i].value != rows[k].value && rows[i].word != rows[k].word,
                    "every value and every word stands in its table once");
      }
    }
  }

  constexpr const Row* begin() const { return rows_.data(); }
  constexpr const Row* end() const { return rows_.data() + N; }
  static constexpr size_t size() { return N; }

  constexpr const Row& operator[](Enum value) const {
    for (const Row& row : rows_) {
      if (row.value == value) return row;
    }
    LACOS_CHECK(false, "every value of an enumeration stands in its table");
    return rows_[0];
  }

  // The row with `text` as its `member`, or null; for example
  // Find("lasttoken", &PoolingNames::module_word).
  constexpr const Row* Find(std::string_view text, std::string_view Row::*member) const {
    for (const Row& row : rows_) {
      if (row.*member == text) return &row;
    }
    return nullptr;
  }

 private:
  std::array<Row, N> rows_;
};

// constexpr auto kBiasNames = MakeEnumNames<EnumWord<Bias>>({{Bias::kNone, "none"}, ...});
template <class Row, size_t N>
consteval EnumNames<Row, N> MakeEnumNames(const Row (&rows)[N]) {
  return EnumNames<Row, N>(std::to_array(rows));
}

// An enumeration that has a table, which the function `NamesOf(value)` beside it returns.
template <class E>
concept NamedEnum = requires(E value) {
  NamesOf(value).begin();
};

// The word for a value.
template <NamedEnum E>
constexpr std::string_view Name(E value) {
  return NamesOf(value)[value].word;
}

// The value that a word means; nothing for a word that is not in the table.
template <NamedEnum E>
constexpr std::optional<E> Parse(std::string_view word) {
  for (const auto& row : NamesOf(E{})) {
    if (row.word == word) return row.value;
  }
  return std::nullopt;
}

// All words, in the order of the table.
template <NamedEnum E>
std::vector<std::string> WordsOf() {
  std::vector<std::string> words;
  for (const auto& row : NamesOf(E{})) words.emplace_back(row.word);
  return words;
}

// Words as a message lists them: "mean, max or last".
inline std::string OneOfWords(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace lacos
