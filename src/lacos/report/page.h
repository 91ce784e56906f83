// A report as one HTML file: no script, no request, light and dark, from a phone's width to a
// desktop's.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/report/chart.h"

namespace lacos {

// Text as it may stand between tags and in quoted attributes. Invalid UTF-8 and control characters
// are shown as U+FFFD.
std::string EscapeHtml(std::string_view text);

// Cells in rows; the first column is a heading to the left, the others stand to the right unless
// they are `prose`.
struct HtmlTable {
  std::vector<std::string> header;  // empty: none
  std::vector<std::vector<std::string>> rows;
  bool prose = false;
  int strong_row = -1;  // pointed out
  // Shares from 0 to 1 by which cells are coloured, by row and cell as in `rows`; NaN, or empty:
  // not.
  std::vector<std::vector<double>> shades;
};

// The page is built from top to bottom. Every text is escaped.
class Page {
 public:
  // `lead`: a line below the title.
  Page(const std::string& title, const std::string& lead);

  void Section(const std::string& id, const std::string& heading);
  void Paragraph(const std::string& text);
  void Table(const HtmlTable& table);
  // A few large figures side by side: name and value.
  void Figures(const std::vector<std::pair<std::string, std::string>>& figures);
  // Charts in as many columns as fit.
  void Charts(const std::vector<Chart>& charts);

  // The whole file.
  std::string Html() const;

 private:
  void EndSection();
  std::string title_, body_;
  bool in_section_ = false;
};

}  // namespace lacos
