#include "lacos/report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lacos {
namespace {

// Names of more characters may wrap.
constexpr std::ptrdiff_t kLongName = 26;

bool IsLong(const std::string& text) {
  return std::ranges::count_if(text, [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
         }) > kLongName;
}

class TableWriter {
 public:
  explicit TableWriter(const HtmlTable& table)
      : table_(table),
        texts_(std::ranges::count(table.columns, ColumnKind::kText, &HtmlColumn::kind)),
        has_header_(std::ranges::any_of(
            table.columns, [](const HtmlColumn& column) { return !column.title.text.empty(); })),
        stacks_(texts_ > 0 && has_header_) {}

  std::string Write() {
    html_ = fmt::format(
        "<div class=\"scroll{}\" role=\"region\" tabindex=\"0\" aria-label=\"{}{}\">\n<table class=\"{}\"{}>\n",
        texts_ > 0 ? " wide" : "", EscapeHtml(table_.title.empty() ? "Table" : table_.title),
        ". Scrolls sideways where it is wider than the page.", Classes(), Role("table"));
    Header();
    Body();
    // Read by eyes only: screen readers have the label of the region.
    html_ +=
        "</table>\n<p class=\"more\" aria-hidden=\"true\">The table scrolls sideways →</p>\n</div>\n";
    return std::move(html_);
  }

 private:
  std::string Classes() const {
    if (!has_header_) return "facts";
    return stacks_ ? fmt::format("stack texts{}", std::min<std::ptrdiff_t>(texts_, 4)) : "numbers";
  }
  // On a narrow page the cells of a table with texts stand below each other. Browsers forget the
  // roles of such a table unless they are written.
  std::string Role(const char* role) const {
    return stacks_ ? fmt::format(" role=\"{}\"", role) : "";
  }
  ColumnKind Kind(size_t column) const {
    return column < table_.columns.size() ? table_.columns[column].kind : ColumnKind::kNumber;
  }
  static const char* KindClass(ColumnKind kind) {
    switch (kind) {
      case ColumnKind::kNumber:
        return "n";
      case ColumnKind::kWord:
        return "w";
      case ColumnKind::kName:
        return "name-cell";
      case ColumnKind::kText:
        return "t";
    }
    return "";
  }

  void Header() {
    if (!has_header_) return;
    html_ += "<thead" + Role("rowgroup") + "><tr" + Role("row") + ">";
    for (const HtmlColumn& column : table_.columns) {
      html_ += fmt::format("<th scope=\"col\" class=\"{}{}\"{}><span>{}</span></th>",
                           KindClass(column.kind), IsLong(column.title.text) ? " long" : "",
                           Role("columnheader"), WholeHtml(column.title));
    }
    html_ += "</tr></thead>\n";
  }

  void Body() {
    html_ += "<tbody" + Role("rowgroup") + ">\n";
    size_t next = 0;
    bool grouped = false;
    for (size_t row = 0; row < table_.rows.size(); ++row) {
      for (; next < table_.groups.size() && table_.groups[next].first_row == row; ++next) {
        if (row > 0) html_ += "</tbody>\n<tbody" + Role("rowgroup") + ">\n";
        grouped = !table_.groups[next].title.text.empty();
        if (grouped) GroupHeading(table_.groups[next].title);
      }
      Row(row, grouped);
    }
    html_ += "</tbody>";
  }

  void GroupHeading(const ShownText& title) {
    html_ +=
        fmt::format("<tr class=\"group\"{}><th scope=\"rowgroup\" colspan=\"{}\"{}>{}</th></tr>\n",
                    Role("row"), table_.columns.size(), Role("rowheader"), WholeHtml(title));
  }

  void Row(size_t row, bool grouped) {
    const bool strong = static_cast<int>(row) == table_.strong_row;
    html_ += strong && grouped ? "<tr class=\"in strong\""
             : strong          ? "<tr class=\"strong\""
             : grouped         ? "<tr class=\"in\""
                               : "<tr";
    html_ += Role("row") + ">";
    for (size_t i = 0; i < table_.rows[row].size(); ++i) Cell(i, table_.rows[row][i]);
    html_ += "</tr>\n";
  }

  void Cell(size_t column, const HtmlCell& cell) {
    const bool heads = column == 0;
    const ColumnKind kind = Kind(column);
    std::string classes = KindClass(kind);
    if (kind == ColumnKind::kName && IsLong(cell.text.text)) classes += " long";
    std::string style;
    if (std::isfinite(cell.shade)) {
      classes += " shade";
      style = fmt::format(" style=\"--s:{:.0f}%\"", 100 * std::clamp(cell.shade, 0.0, 1.0));
    }
    std::string label;
    if (stacks_ && !heads && column < table_.columns.size())
      label = fmt::format(" data-label=\"{}\"", EscapeHtml(table_.columns[column].title.text));
    html_ += fmt::format("<{} class=\"{}\"{}{}{}>{}", heads ? "th scope=\"row\"" : "td", classes,
                         style, label, Role(heads ? "rowheader" : "cell"), WholeHtml(cell.text));
    if (!cell.note.empty()) html_ += "<small>" + BreakableHtml(cell.note) + "</small>";
    html_ += heads ? "</th>" : "</td>";
  }

  const HtmlTable& table_;
  std::ptrdiff_t texts_;  // columns of texts
  bool has_header_;
  bool stacks_;  // on a narrow page, cells stand below each other
  std::string html_;
};

}  // namespace

void HtmlTable::StartGroup(const ShownText& group_title) {
  if (groups.empty() && group_title.text.empty()) return;
  if (!groups.empty() && groups.back().title.text == group_title.text &&
      groups.back().title.full == group_title.full)
    return;
  groups.push_back({rows.size(), group_title});
}

HtmlTable FactsTable(std::string title) {
  return {.title = std::move(title),
          .columns = {{"", ColumnKind::kName}, {"", ColumnKind::kText}},
          .rows = {}};
}

std::string TableHtml(const HtmlTable& table) { return TableWriter(table).Write(); }

}  // namespace lacos
