#include "lacos/data/column_contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lacos/data/cells.h"
#include "lacos/data/list_text.h"
#include "lacos/io/utf8.h"

namespace lacos {
namespace {

// So many rows tell that cells repeat.
constexpr size_t kRowsThatTell = 4;
// A common beginning is longer than prompts such as "passage: ".
constexpr size_t kCommonBytes = 12;

bool HasBlank(std::string_view cell) { return cell.find(' ') != std::string_view::npos; }

bool IsIdLike(const std::string& cell) {
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7F'; };
  const auto tells = [](char c) { return (c >= '0' && c <= '9') || c == '/' || c == '@'; };
  return std::ranges::all_of(cell, is_plain) && std::ranges::any_of(cell, tells);
}

std::vector<std::string> CellsOf(const SampledRows& rows, size_t column) {
  std::vector<std::string> found;
  for (const TableReader::Cells& cells : rows) {
    if (column < cells.size() && cells[column] && !cells[column]->empty())
      found.push_back(*cells[column]);
  }
  return found;
}

// Whether half of the cells or more repeat others.
bool Repeats(const std::vector<std::string>& cells) {
  const std::set<std::string> distinct(cells.begin(), cells.end());
  return cells.size() >= kRowsThatTell && 2 * distinct.size() <= cells.size();
}

std::string CommonBeginning(const std::vector<std::string>& cells) {
  if (cells.size() < 2) return "";
  std::string common = cells[0];
  for (const std::string& cell : cells) {
    const auto [end, other] = std::ranges::mismatch(common, cell);
    common.erase(end, common.end());
  }
  while (!IsValidUtf8(common)) common.pop_back();  // the first bytes of a character
  return common;
}

}  // namespace

bool IsNumber(const std::string& cell) { return ParseNumber(cell).has_value(); }

bool IsOneWord(std::string_view cell) {
  return !cell.empty() && cell.size() <= kMaxNameBytes && !HasBlank(cell) && !ParseNumber(cell);
}

bool IsLongerText(const std::string& cell) {
  return HasBlank(cell) || cell.size() > kMaxNameBytes ||
         std::ranges::any_of(cell, [](char c) { return static_cast<unsigned char>(c) >= 0xE0; });
}

bool EveryCell(const SampledRows& rows, size_t column,
               const std::function<bool(const std::string& cell)>& holds) {
  const std::vector<std::string> cells = CellsOf(rows, column);
  return !cells.empty() && std::ranges::all_of(cells, holds);
}

bool HoldsClasses(const SampledRows& rows, size_t first, size_t second) {
  const auto has_classes = [&](size_t column) {
    return Repeats(CellsOf(rows, column)) && EveryCell(rows, column, IsOneWord);
  };
  const auto has_text = [&](size_t column) { return !EveryCell(rows, column, IsOneWord); };
  return (has_classes(first) && has_text(second)) || (has_classes(second) && has_text(first));
}

bool HoldsIds(const SampledRows& rows, size_t column) {
  if (!EveryCell(rows, column, IsIdLike)) return false;
  const size_t width = rows.empty() ? 0 : rows[0].size();
  for (size_t i = 0; i < width; ++i) {
    if (i != column && EveryCell(rows, i, IsLongerText)) return true;
  }
  return false;
}

std::optional<std::string> WhyNoText(const SampledRows& rows, size_t column, size_t second) {
  if (HoldsIds(rows, column)) return "its cells are ids or addresses";
  const std::vector<std::string> cells = CellsOf(rows, column), texts = CellsOf(rows, second);
  const std::string common = CommonBeginning(cells);
  if (common.size() >= kCommonBytes && CommonBeginning(texts).size() < kCommonBytes) {
    return fmt::format("all its cells begin with '{}'", TruncateForMessage(common, kMaxNameBytes));
  }
  if (Repeats(cells) && !Repeats(texts)) {
    return fmt::format("its cells repeat, such as '{}'",
                       TruncateForMessage(cells[0], kMaxNameBytes));
  }
  return std::nullopt;
}

bool HoldsLists(const SampledRows& rows, size_t column) {
  bool has_text = false;
  const bool lists = EveryCell(rows, column, [&](const std::string& cell) {
    const auto list = ParseListText(cell);
    has_text |= list && !list->empty();
    return list.has_value();
  });
  return lists && has_text;
}

}  // namespace lacos
