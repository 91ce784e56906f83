// Tables: kinds of columns, groups of rows, and facts as texts.
#include "lacos/report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lacos/report/facts.h"

namespace lacos {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t CountOf(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

HtmlTable Pairs() {
  HtmlTable table{
      .title = "Pairs <b>",
      .columns = {{"sentence 1", ColumnKind::kText}, {"sentence 2", ColumnKind::kText}, "gold"},
      .rows = {}};
  for (const char* set : {"one", "one", "two"}) {
    table.StartGroup(set);
    table.rows.push_back({"<i>", "b", "4.00"});
  }
  table.EndGroup();
  table.rows.push_back({"alone", "b", HtmlCell("1.00", "0.90 to 1.10")});
  return table;
}

TEST(Table, NamesAGroupOnce) {
  const std::string html = TableHtml(Pairs());
  EXPECT_EQ(CountOf("scope=\"rowgroup\"", html), 2u);
  EXPECT_EQ(CountOf(">one</th>", html), 1u);
  EXPECT_EQ(CountOf("<tr class=\"in\"", html), 3u) << "the last row is in no group";
  EXPECT_EQ(CountOf("<tbody", html), CountOf("</tbody>", html));
}

TEST(Table, TextsShareTheWidthAndTheirCellsHaveNamesOnANarrowPage) {
  const std::string html = TableHtml(Pairs());
  EXPECT_THAT(html, HasSubstr("class=\"stack texts2\" role=\"table\""));
  EXPECT_EQ(CountOf("data-label=\"sentence 2\"", html), 4u);
  EXPECT_EQ(CountOf("<td class=\"n\"", html), 4u);
  EXPECT_THAT(html, HasSubstr("<small>0.90 to 1.10</small>"));
}

TEST(Table, SaysThatItScrolls) {
  HtmlTable table{
      .title = "a\"b", .columns = {{"x", ColumnKind::kName}, "y"}, .rows = {{"1", "2"}}};
  const std::string html = TableHtml(table);
  EXPECT_THAT(html, HasSubstr("aria-label=\"a&quot;b. Scrolls sideways"));
  EXPECT_THAT(html, HasSubstr("<p class=\"more\" aria-hidden=\"true\">The table scrolls"));
  EXPECT_THAT(html, Not(HasSubstr("data-label"))) << "tables of numbers do not stack";
}

TEST(Table, WithoutRowsIsWellFormed) {
  const std::string html = TableHtml({.title = "none", .columns = {"x"}, .rows = {}});
  EXPECT_THAT(html, HasSubstr("<tbody>\n</tbody></table>"));
}

TEST(Facts, AreTextsForPeople) {
  const Json json = Json::Parse(
      R"({"memory_bytes": 9675776, "embed_seconds": 1.859, "ms_per_text": 1.3018, "texts": 1428,
          "tokens_per_second": 8662.9, "seed": 123456, "strip": false, "prompt": "", "base": null,
          "machine": {"cpu": "AMD", "kernels": ["a, b", "c, d"]}, "rate": 0.0002,
          "sha256": {"adapter_config.json": "c9"}, "bytes": 12, "list": []})",
      "test");
  const Facts facts = FactsOf(json);
  const Facts expected = {{"memory bytes", "9.68 MB (9,675,776 bytes)"},
                          {"embed seconds", "1.86 s"},
                          {"ms per text", "1.30 ms"},
                          {"texts", "1,428"},
                          {"tokens per second", "8,662"},
                          {"seed", "123456"},
                          {"strip", "no"},
                          {"prompt", "none"},
                          {"base", "unknown"},
                          {"machine: cpu", "AMD"},
                          {"machine: kernels", "a, b; c, d"},
                          {"rate", "0.0002"},
                          {"sha256: adapter_config.json", "c9"},
                          {"bytes", "12 B"},
                          {"list", "none"}};
  EXPECT_EQ(facts, expected);
}

TEST(Facts, OfTwoThingsStandSideBySideAndDifferencesAreMarked) {
  const HtmlTable table = ComparedFacts(
      "Systems", {"a", "b"}, {{{"model", "x"}, {"texts", "7"}}, {{"texts", "7"}, {"prompt", "q"}}});
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[0][0].text.text, "model ≠");
  EXPECT_EQ(table.rows[0][2].text.text, "-");
  EXPECT_EQ(table.rows[1][0].text.text, "texts");
  EXPECT_EQ(table.rows[2][1].text.text, "-");
}

}  // namespace
}  // namespace lacos
