#include "lacos/report/page.h"

#include <fmt/format.h>

#include "lacos/report/style.h"

namespace lacos {

Page::Page(const ShownText& title, const ShownText& lead) : title_(title.text) {
  body_ = "<header>\n<h1>" + WholeHtml(title) + "</h1>\n";
  if (!lead.text.empty()) body_ += "<p class=\"lead\">" + WholeHtml(lead) + "</p>\n";
  body_ += "</header>\n";
}

void Page::EndSection() {
  if (in_section_) body_ += "</section>\n";
  in_section_ = false;
}

void Page::Section(const std::string& id, const ShownText& heading) {
  EndSection();
  in_section_ = true;
  body_ += fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", EscapeHtml(id), WholeHtml(heading));
}

void Page::Paragraph(const std::string& text) { body_ += "<p>" + BreakableHtml(text) + "</p>\n"; }

void Page::Table(const HtmlTable& table) { body_ += TableHtml(table); }

void Page::FoldedTable(const ShownText& summary, const HtmlTable& table) {
  body_ += "<details>\n<summary>" + WholeHtml(summary) + "</summary>\n" + TableHtml(table) +
           "</details>\n";
}

void Page::Figures(const std::vector<std::pair<ShownText, std::string>>& figures) {
  body_ += "<dl class=\"figures\">\n";
  for (const auto& [name, value] : figures) {
    body_ +=
        fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", WholeHtml(name), BreakableHtml(value));
  }
  body_ += "</dl>\n";
}

void Page::Charts(const std::vector<Chart>& charts) {
  body_ += "<div class=\"charts\">\n";
  for (const Chart& chart : charts) body_ += ChartHtml(chart);
  body_ += "</div>\n";
}

std::string Page::Html() const {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:\">\n"
      "<link rel=\"icon\" "
      "href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{}{}</main>\n"
      "</body>\n</html>\n",
      EscapeHtml(title_), kPageStyle, body_, in_section_ ? "</section>\n" : "");
}

}  // namespace lacos
