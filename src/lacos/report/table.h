// Tables as HTML. Numbers stay on one line, texts share the width that is left, and a table that is
// wider than the page scrolls in a box that says so.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "lacos/report/html.h"

namespace lacos {

enum class ColumnKind {
  kNumber,  // aligned right, one line
  kWord,    // a word or a few, such as "bf16": aligned left, one line
  kName,    // what the row is about: aligned left, one line unless it is long
  kText,    // sentences or paths: all such columns share the width that the others leave
};

struct HtmlColumn {
  HtmlColumn(ShownText heading, ColumnKind column_kind = ColumnKind::kNumber)  // NOLINT
      : title(std::move(heading)), kind(column_kind) {}
  HtmlColumn(const char* heading, ColumnKind column_kind = ColumnKind::kNumber)  // NOLINT
      : title(heading), kind(column_kind) {}
  HtmlColumn(std::string heading, ColumnKind column_kind = ColumnKind::kNumber)  // NOLINT
      : title(std::move(heading)), kind(column_kind) {}
  ShownText title;
  ColumnKind kind;
};

struct HtmlCell {
  HtmlCell(ShownText shown) : text(std::move(shown)) {}    // NOLINT
  HtmlCell(const char* shown) : text(shown) {}             // NOLINT
  HtmlCell(std::string shown) : text(std::move(shown)) {}  // NOLINT
  HtmlCell(std::string shown, std::string below) : text(std::move(shown)), note(std::move(below)) {}
  ShownText text;
  std::string note;  // a second, smaller line
  // How strongly the cell is coloured, from 0 to 1; NaN for not at all.
  double shade = std::numeric_limits<double>::quiet_NaN();
};

struct HtmlTable {
  std::string title;                // for screen readers: what the table shows
  std::vector<HtmlColumn> columns;  // the first one has the headings of the rows
  std::vector<std::vector<HtmlCell>> rows;
  int strong_row = -1;  // the row that is highlighted; -1 for none
  // A heading over rows that belong together. An empty title ends a group without another heading.
  struct Group {
    size_t first_row = 0;
    ShownText title;
  };
  std::vector<Group> groups;

  // Begins a group with the next row, unless the last group has the same title.
  void StartGroup(const ShownText& group_title);
  // The next row belongs to no group.
  void EndGroup() { StartGroup(""); }
};

// A table "name, value" without headings of columns.
HtmlTable FactsTable(std::string title);

// The table as HTML. Every text is escaped.
std::string TableHtml(const HtmlTable& table);

}  // namespace lacos
