// A report as one HTML file without scripts or requests. It suits light and dark settings, and
// screens from a phone's width to a desktop's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lacos/report/chart.h"
#include "lacos/report/html.h"
#include "lacos/report/table.h"

namespace lacos {

// The page is built from top to bottom. Every text is escaped.
class Page {
 public:
  // `lead` is a line below the title.
  Page(const ShownText& title, const ShownText& lead);

  void Section(const std::string& id, const ShownText& heading);
  void Paragraph(const std::string& text);
  void Table(const HtmlTable& table);
  // A few large figures side by side, each a name and a value.
  void Figures(const std::vector<std::pair<ShownText, std::string>>& figures);
  // Charts, in as many columns as fit.
  void Charts(const std::vector<Chart>& charts);
  // A table that the reader opens and closes.
  void FoldedTable(const ShownText& summary, const HtmlTable& table);

  // The contents of the whole file.
  std::string Html() const;

 private:
  void EndSection();
  std::string title_, body_;
  bool in_section_ = false;
};

}  // namespace lacos
