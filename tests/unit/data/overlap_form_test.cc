// The form in which training and test texts are compared: what makes no difference and what does.
#include "lacos/data/overlap_form.h"

#include <gtest/gtest.h>

#include <fstream>

#include "test_paths.h"

namespace lacos {
namespace {

TEST(OverlapForm, LeavesOutCaseBlanksAndPunctuation) {
  EXPECT_EQ(OverlapForm("You 'd  think: it\u2019s \u201Cfine\u201D ."), "youdthinkitsfine");
  EXPECT_EQ(OverlapForm("you'd think it's fine"), "youdthinkitsfine");
  EXPECT_EQ(OverlapForm("ÉTÉ à la plage"), "étéàlaplage");
  EXPECT_EQ(OverlapForm("ΑΒΓ Жизнь ЁЖ"), "αβγжизньёж");
  EXPECT_EQ(OverlapForm("你好，世界。"), "你好世界");
  EXPECT_EQ(OverlapForm("कमल ।"), "कमल");
  EXPECT_EQ(OverlapForm("𐍈 1"), "𐍈1");
  EXPECT_EQ(OverlapForm(" ?! \u3000\u00AD\u200D"), "");
  EXPECT_NE(OverlapForm("resume"), OverlapForm("résumé")) << "accents tell words apart";
  EXPECT_NE(OverlapForm("fine 😀"), OverlapForm("fine 😡")) << "pictures tell texts apart";
}

TEST(OverlapForm, FoldsCaseInFullAndInEveryScript) {
  EXPECT_EQ(OverlapForm("STRASSE"), OverlapForm("Straße"));
  EXPECT_EQ(OverlapForm("ŁÓDŹ"), OverlapForm("łódź"));
  EXPECT_EQ(OverlapForm("ὈΔΥΣΣΕΎΣ"), OverlapForm("ὀδυσσεύς"));
  EXPECT_EQ(OverlapForm("ԲԱՐԻ"), OverlapForm("բարի"));
  EXPECT_EQ(OverlapForm("ＡＢＣ１"), "abc1");
  EXPECT_EQ(OverlapForm("ﬁne"), "fine");
}

TEST(OverlapForm, InvalidBytesAreReplacedAndDoNotMatchOtherTexts) {
  EXPECT_EQ(OverlapForm("caf\xE9"), OverlapForm("caf\uFFFD"));
  EXPECT_NE(OverlapForm("caf\xE9"), "caf");
}

// tools/golden/make_overlap_forms.py wrote the pairs with Python's Unicode tables.
TEST(OverlapForm, HoldsForEveryLetterThatPythonFoldsOrDecomposes) {
  std::ifstream file(LACOS_SOURCE_DIR "/tests/golden/text/same_letters.txt");
  int64_t pairs = 0;
  for (std::string line; std::getline(file, line); ++pairs) {
    const size_t tab = line.find('\t');
    const std::string first = OverlapForm(line.substr(0, tab));
    EXPECT_EQ(first, OverlapForm(line.substr(tab + 1))) << line;
    EXPECT_EQ(OverlapForm(first), first) << "a form is its own form: " << line;
  }
  EXPECT_GT(pairs, 5000);
}

}  // namespace
}  // namespace lacos
