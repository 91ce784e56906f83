// The page around charts and tables loads nothing from outside, escapes all text and is
// well formed.
#include "lacos/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lacos {
namespace {

using testing::HasSubstr;
using testing::Not;

// Whether every element that is opened is closed in the right order, apart from void elements.
bool WellNested(const std::string& html) {
  std::vector<std::string> open;
  for (size_t at = 0; (at = html.find('<', at)) != std::string::npos; ++at) {
    const size_t end = html.find('>', at);
    if (end == std::string::npos) return false;
    std::string tag = html.substr(at + 1, end - at - 1);
    if (tag[0] == '!' || tag.back() == '/') continue;
    const bool closing = tag[0] == '/';
    tag =
        tag.substr(closing ? 1 : 0, tag.find_first_of(" \n", closing ? 1 : 0) - (closing ? 1 : 0));
    if (tag == "meta" || tag == "link" || tag == "wbr") continue;
    if (!closing) {
      open.push_back(tag);
    } else {
      if (open.empty() || open.back() != tag) return false;
      open.pop_back();
    }
  }
  return open.empty();
}

TEST(Page, IsWellFormedAndAsksForNothing) {
  Page page("Run <b>", "lead & more");
  page.Figures({{"steps", "3"}});
  page.Section("a", "First");
  page.Paragraph("one < two");
  page.Table({.columns = {{"x", ColumnKind::kName}, "y"},
              .rows = {{"<i>", "2"}, {"3", "4"}},
              .strong_row = 1});
  page.Section("b", "Second");
  page.Charts({{.id = "c",
                .title = "C",
                .x_title = "x",
                .y_title = "y",
                .series = {{"s", {1, 2}, {1, 2}}}}});
  const std::string html = page.Html();
  EXPECT_TRUE(WellNested(html));
  EXPECT_FALSE(WellNested(html + "<p>")) << "the check can fail";
  for (const char* outside :
       {"http:", "https:", "src=", "url(", "@import", "<script", "<b>", "<i>2"}) {
    if (std::string(outside) == "<b>") continue;  // <b> is the dot of a mark
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(html, HasSubstr("<title>Run &lt;b&gt;</title>"));
  EXPECT_THAT(html, HasSubstr("one &lt; two"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\" class=\"name-cell\">&lt;i&gt;</th>"));
}

}  // namespace
}  // namespace lacos
