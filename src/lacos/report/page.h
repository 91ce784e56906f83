// A report as one HTML file without scripts or requests. It suits light and dark settings, and
// screens from a phone's width to a desktop's.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/report/chart.h"

namespace lacos {

// Escapes text for use between tags and in quoted attributes. Invalid UTF-8 and control characters
// become U+FFFD.
std::string EscapeHtml(std::string_view text);

// A table. The first column holds headings, aligned left. The other columns are aligned right
// unless they are `prose`.
struct HtmlTable {
  std::vector<std::string> header;  // titles of the columns; empty for a table without titles
  std::vector<std::vector<std::string>> rows;
  bool prose = false;
  int strong_row = -1;  // the row that is highlighted; -1 for none
  // How strongly each cell is coloured, from 0 to 1, by row and cell as in `rows`. A cell is not
  // coloured where its value is NaN or missing.
  std::vector<std::vector<double>> shades;
};

// The page is built from top to bottom. Every text is escaped.
class Page {
 public:
  // `lead` is a line below the title.
  Page(const std::string& title, const std::string& lead);

  void Section(const std::string& id, const std::string& heading);
  void Paragraph(const std::string& text);
  void Table(const HtmlTable& table);
  // A few large figures side by side, each a name and a value.
  void Figures(const std::vector<std::pair<std::string, std::string>>& figures);
  // Charts, in as many columns as fit.
  void Charts(const std::vector<Chart>& charts);

  // The contents of the whole file.
  std::string Html() const;

 private:
  void EndSection();
  std::string title_, body_;
  bool in_section_ = false;
};

}  // namespace lacos
