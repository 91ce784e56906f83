#include "lacos/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacos/io/utf8.h"

namespace lacos {
namespace {

// The colours also differ in lightness, so that people who do not see colour can tell them apart.
constexpr char kStyle[] = R"(
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--ink:#1d2329;--soft:#5d6770;--line:#e3e6e8;--accent:#1f6f8b;
--c1:#1f6f8b;--c2:#c2571a;--c3:#5b7f2b;--c4:#8a4f9e;--c5:#a8841a;--event:#b3261e}
@media (prefers-color-scheme:dark){:root{--bg:#14181b;--card:#1b2024;--ink:#e4e8ea;--soft:#9aa5ad;--line:#2d353a;--accent:#6bbfd8;
--c1:#6bbfd8;--c2:#f0985c;--c3:#a5cd6b;--c4:#cf9be0;--c5:#dcbd5c;--event:#f2857d}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:1120px;margin:0 auto;padding:28px 20px 56px}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 2px;font-weight:650}
h2{font-size:1.1rem;margin:36px 0 12px;font-weight:650}
h3{font-size:.95rem;margin:0;font-weight:600}
p{margin:0 0 12px}
.lead,.note{color:var(--soft)}
.note{font-size:.82rem;margin:8px 0 0}
.figures{display:flex;flex-wrap:wrap;gap:10px;margin:20px 0 0;padding:0}
.figures div{flex:1 1 155px;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.figures dt{color:var(--soft);font-size:.8rem}
.figures dd{margin:0;font-size:1.1rem;font-weight:600;font-variant-numeric:tabular-nums}
.scroll+p{margin-top:12px}
.scroll+.scroll{margin-top:16px}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:7px 14px;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:normal;white-space:nowrap}
tr:first-child>*{border-top:0}
th:first-child,.prose th,.prose td{text-align:left}
.prose td{white-space:normal;overflow-wrap:anywhere;width:100%}
thead th{color:var(--soft);font-weight:500;font-size:.85rem}
tbody th{font-weight:500}
.prose tbody th{color:var(--soft);font-weight:400}
.shade{background:color-mix(in srgb,var(--accent) var(--s),transparent)}
tr.strong>*{font-weight:700}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px}
.chart{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 18px 12px 14px;min-width:0}
figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 16px;margin:0 0 6px}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;list-style:none;margin:0;padding:0;font-size:.8rem;color:var(--soft)}
.legend i{display:inline-block;width:14px;height:0;border-top:2px solid;vertical-align:middle;margin-right:5px}
.legend i.event{border-top-style:dashed;border-color:var(--event)}
.ytitle,.xtitle,.xt,.yt{font-size:.75rem;color:var(--soft)}
.ytitle{margin:0 0 6px}
.xtitle{text-align:right;margin-top:20px}
.plot{position:relative;height:210px;margin-left:46px}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.yt{position:absolute;right:100%;transform:translateY(50%);padding-right:8px;white-space:nowrap;line-height:1}
.xt{position:absolute;top:100%;transform:translateX(-50%);padding-top:6px;white-space:nowrap;line-height:1}
path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.grid{stroke:var(--line);stroke-width:1}
.line{stroke-width:1.75}
.dots{stroke-width:6}
.bars{stroke-width:1.25;opacity:.7}
path.event{stroke:var(--event);stroke-width:1;stroke-dasharray:3 3}
.c1{stroke:var(--c1);color:var(--c1)}.c2{stroke:var(--c2);color:var(--c2)}.c3{stroke:var(--c3);color:var(--c3)}
.c4{stroke:var(--c4);color:var(--c4)}.c5{stroke:var(--c5);color:var(--c5)}
.faint{opacity:.35}.line.faint{stroke-width:1.25}
.band{stroke:none;fill:currentColor;opacity:.16}
.mark{position:absolute;font-size:.75rem;line-height:1;white-space:nowrap}
.mark b{position:absolute;left:-5.5px;top:-5.5px;width:11px;height:11px;border:2px solid var(--ink);border-radius:50%}
.mark em{position:absolute;left:9px;bottom:6px;font-style:normal;font-weight:600;text-shadow:0 0 3px var(--card),0 0 3px var(--card)}
.mark.to-left em{left:auto;right:10px}
.mark.below em{bottom:auto;top:9px}
.name{position:absolute;font-size:.75rem;line-height:13px;white-space:nowrap}
.name em{position:absolute;font-style:normal;font-weight:600;text-shadow:0 0 3px var(--card),0 0 3px var(--card)}
footer{margin-top:40px;color:var(--soft);font-size:.8rem}
)";

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : ReplaceInvalidUtf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
        escaped += control ? std::string("\xEF\xBF\xBD") : std::string(1, c);
      }
    }
  }
  return escaped;
}

Page::Page(const std::string& title, const std::string& lead) : title_(title) {
  body_ = "<header>\n<h1>" + EscapeHtml(title) + "</h1>\n";
  if (!lead.empty()) body_ += "<p class=\"lead\">" + EscapeHtml(lead) + "</p>\n";
  body_ += "</header>\n";
}

void Page::EndSection() {
  if (in_section_) body_ += "</section>\n";
  in_section_ = false;
}

void Page::Section(const std::string& id, const std::string& heading) {
  EndSection();
  in_section_ = true;
  body_ += fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", EscapeHtml(id), EscapeHtml(heading));
}

void Page::Paragraph(const std::string& text) { body_ += "<p>" + EscapeHtml(text) + "</p>\n"; }

void Page::Table(const HtmlTable& table) {
  body_ += fmt::format("<div class=\"scroll\"><table{}>\n", table.prose ? " class=\"prose\"" : "");
  if (!table.header.empty()) {
    body_ += "<thead><tr>";
    for (const std::string& cell : table.header)
      body_ += "<th scope=\"col\">" + EscapeHtml(cell) + "</th>";
    body_ += "</tr></thead>\n";
  }
  body_ += "<tbody>\n";
  for (size_t row = 0; row < table.rows.size(); ++row) {
    body_ += static_cast<int>(row) == table.strong_row ? "<tr class=\"strong\">" : "<tr>";
    for (size_t i = 0; i < table.rows[row].size(); ++i) {
      const std::string cell = EscapeHtml(table.rows[row][i]);
      const bool has_shade = row < table.shades.size() && i < table.shades[row].size();
      const double shade = has_shade ? std::clamp(table.shades[row][i], 0.0, 1.0) : std::nan("");
      const std::string style =
          std::isfinite(shade) ? fmt::format(" class=\"shade\" style=\"--s:{:.0f}%\"", 60 * shade)
                               : "";
      body_ +=
          i == 0 ? "<th scope=\"row\">" + cell + "</th>" : "<td" + style + ">" + cell + "</td>";
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

void Page::Figures(const std::vector<std::pair<std::string, std::string>>& figures) {
  body_ += "<dl class=\"figures\">\n";
  for (const auto& [name, value] : figures) {
    body_ +=
        fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", EscapeHtml(name), EscapeHtml(value));
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
      EscapeHtml(title_), kStyle, body_, in_section_ ? "</section>\n" : "");
}

}  // namespace lacos
