// What the cells of a column hold: numbers, single words, classes, ids, remarks, lists. It decides
// where the names of columns do not tell.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/rows.h"

namespace lacos {

using SampledRows = std::vector<TableReader::Cells>;

// Longer cells are no names of columns and no single words.
inline constexpr size_t kMaxNameBytes = 40;

bool IsNumber(const std::string& cell);
// Whether a cell is one word that is no number.
bool IsOneWord(std::string_view cell);
// Whether a cell is more than one word could be: a sentence, or a text in a script without blanks.
bool IsLongerText(const std::string& cell);

// Whether every cell of a column that is not empty satisfies `holds`; false for a column without
// such cells.
bool EveryCell(const SampledRows& rows, size_t column,
               const std::function<bool(const std::string& cell)>& holds);

// Whether one of two columns holds the classes of the texts in the other: single words that repeat,
// such as ham and spam beside messages. As a pair, the words would be taken for texts.
bool HoldsClasses(const SampledRows& rows, size_t first, size_t second);

// Whether the cells of a column are ids beside longer texts: each is one word of ASCII characters
// with a digit, slash or @, such as doc_12, 2020-01-31 and https://example.org.
bool HoldsIds(const SampledRows& rows, size_t column);

// Why a column beside a pair has no text for each row, such as the licences of manythings.org; nothing
// if it may have one. `second` is the column of the pair's second text. One of these holds for the
// sampled rows: the cells are ids; all begin alike, and those of the second text do not; half of them
// or more repeat others, and those of the second text do not.
std::optional<std::string> WhyNoText(const SampledRows& rows, size_t column, size_t second);

// Whether the cells of a column are lists that stand as text (list_text.h); some are not empty.
bool HoldsLists(const SampledRows& rows, size_t column);

}  // namespace lacos
