// Texts in pages: escaped, broken only where they may be, and short with their whole form on hover.
#include "lacos/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lacos {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(EscapeHtml, ShowsWhatIsNoTextAsReplacementCharacters) {
  EXPECT_EQ(EscapeHtml("a\x01z\xFF"), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
  EXPECT_EQ(EscapeHtml("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
  EXPECT_EQ(EscapeHtml("Grüße 漢字"), "Grüße 漢字");
}

TEST(EscapeHtml, LetsNoTextTurnTheDirectionOfOthers) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(EscapeHtml("a\u202Etxt.exe"), "a" + replacement + "txt.exe");
  EXPECT_EQ(EscapeHtml("\u202A\u202B\u202C\u202D"),
            replacement + replacement + replacement + replacement);
  EXPECT_EQ(EscapeHtml("\u2067שלום\u2069\u200F"), "\u2067שלום\u2069\u200F")
      << "isolates and marks end with their element";
}

TEST(BreakableHtml, BreaksPathsAndHashesAndNoWords) {
  EXPECT_EQ(BreakableHtml("an incomprehensibility"), "an incomprehensibility");
  EXPECT_EQ(BreakableHtml("Donaudampfschifffahrtsgesellschaft"),
            "Donaudampfschiff<wbr>fahrtsgesellscha<wbr>ft");
  EXPECT_EQ(BreakableHtml("data/nli.tsv"), "data/nli.tsv") << "short enough";
  EXPECT_EQ(BreakableHtml("/home/somebody/data/nli-train.tsv"),
            "/home/<wbr>somebody/<wbr>data/<wbr>nli-<wbr>train.<wbr>tsv");
  EXPECT_EQ(BreakableHtml(std::string(40, 'f')),
            std::string(16, 'f') + "<wbr>" + std::string(16, 'f') + "<wbr>" + std::string(8, 'f'));
  std::string greek;
  for (int i = 0; i < 30; ++i) greek += "α";
  EXPECT_EQ(BreakableHtml(greek), greek) << "letters may join or carry marks";
  EXPECT_THAT(BreakableHtml("<script>alert('a-long-word-here')</script>"),
              Not(HasSubstr("<script")));
  EXPECT_EQ(BreakableHtml(" a  b\n"), " a  b\n") << "whitespace stays";
}

TEST(Html, ShowsTheLongerFormOnHover) {
  EXPECT_EQ(Html("a<b"), "<bdi>a&lt;b</bdi>");
  EXPECT_EQ(Html({"b.tsv", "/a \"quoted\"/b.tsv"}),
            "<bdi><span class=\"short\" title=\"/a &quot;quoted&quot;/b.tsv\">b.tsv</span></bdi>");
  EXPECT_EQ(WholeHtml("a<b"), "a&lt;b");
  EXPECT_EQ(Html({"same", "same"}), "<bdi>same</bdi>");
}

TEST(ShortNames, AreAsLongAsTheyMustBe) {
  EXPECT_THAT(ShortNames({"results/a", "results/b/"}), ElementsAre("a", "b"));
  EXPECT_THAT(ShortNames({"a/eval", "./b/eval", "c"}), ElementsAre("a/eval", "b/eval", "c"));
  EXPECT_THAT(ShortNames({"x/a/eval", "y/a/eval"}), ElementsAre("x/a/eval", "y/a/eval"));
  EXPECT_THAT(ShortNames({"a", "a"}), ElementsAre("a", "a (2)"));
  EXPECT_THAT(ShortNames({"x/y/a", "x/y/a/", "x/y/b"}), ElementsAre("a", "a (2)", "b"))
      << "a path that is given twice makes no name longer";
}

TEST(NamesOfPaths, ShortenPathsAlone) {
  const NamesOfPaths names({"/x/a/test.tsv", "/x/b/test.tsv", "STS12", "/x/a/test.tsv"});
  EXPECT_EQ(names("/x/a/test.tsv").text, "a/test.tsv");
  EXPECT_EQ(names("/x/a/test.tsv").full, "/x/a/test.tsv");
  EXPECT_EQ(names("/x/b/test.tsv", " dev").text, "b/test.tsv dev");
  EXPECT_EQ(names("STS12", " MSRpar").text, "STS12 MSRpar");
  EXPECT_FALSE(names("STS12").has_full());
  EXPECT_EQ(names("/not/known").text, "/not/known");
  EXPECT_EQ(NamesOfPaths({"/"})("/").text, "/");
}

}  // namespace
}  // namespace lacos
