// What each behavior does with matches, and that patterns use the character properties of
// Unicode 16.0.
#include "lacos/text/splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "lacos/text/regex_unicode.h"

namespace lacos {
namespace {

using testing::ElementsAre;

Splitter::Pattern Onig(std::string_view pattern) {
  return std::make_shared<const Regex>(pattern, Regex::Syntax::kOniguruma, "t.json: pattern");
}

std::vector<std::string> Cut(const Splitter& splitter, std::string_view text) {
  std::vector<PieceRange> pieces = {{0, text.size()}};
  Splitter::Workspace workspace;
  splitter.Split(text, pieces, workspace);
  std::vector<std::string> strings;
  for (const PieceRange& piece : pieces)
    strings.emplace_back(text.substr(piece.begin, piece.end - piece.begin));
  return strings;
}

// The example comes from the documentation of Hugging Face tokenizers.
TEST(Splitter, EveryBehaviorAsDocumented) {
  const std::string text = "the-final--countdown";
  const auto cut = [&](SplitBehavior behavior) {
    return Cut({Splitter::Literal{"-"}, behavior, false}, text);
  };
  EXPECT_THAT(cut(SplitBehavior::kRemoved), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(cut(SplitBehavior::kIsolated),
              ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(cut(SplitBehavior::kMergedWithPrevious),
              ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(cut(SplitBehavior::kMergedWithNext), ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(cut(SplitBehavior::kContiguous), ElementsAre("the", "-", "final", "--", "countdown"));
}

TEST(Splitter, MatchesAtTheEndsHaveNothingToMergeWith) {
  EXPECT_THAT(Cut({Splitter::Literal{"-"}, SplitBehavior::kMergedWithPrevious, false}, "-a-"),
              ElementsAre("-", "a-"));
  EXPECT_THAT(Cut({Splitter::Literal{"-"}, SplitBehavior::kMergedWithNext, false}, "-a-"),
              ElementsAre("-a", "-"));
}

TEST(Splitter, InvertedMatchesAreWhatLiesBetween) {
  EXPECT_THAT(Cut({Onig("[a-z]+"), SplitBehavior::kRemoved, true}, "ab, cd!"),
              ElementsAre("ab", "cd"));
  EXPECT_THAT(Cut({Onig("[a-z]"), SplitBehavior::kContiguous, true}, "ab, c"),
              ElementsAre("ab", ", ", "c"));
  EXPECT_THAT(Cut({Splitter::WordRuns{}, SplitBehavior::kRemoved, true}, "ab_1  ?!x\n"),
              ElementsAre("ab_1", "?!", "x"));
}

TEST(Splitter, EmptyMatchesCutAndDisappear) {
  EXPECT_THAT(Cut({Onig("(?=\\p{Lu})"), SplitBehavior::kIsolated, false}, "aBcDÉ"),
              ElementsAre("a", "Bc", "D", "É"));
  EXPECT_THAT(Cut({Onig("x*"), SplitBehavior::kRemoved, false}, "axxb"), ElementsAre("a", "b"));
  EXPECT_THAT(Cut({Onig(""), SplitBehavior::kIsolated, false}, "aé日"),
              ElementsAre("a", "é", "日"));
}

TEST(Splitter, APatternSeesOnePieceAtATime) {
  std::vector<PieceRange> pieces = {{0, 2}, {2, 4}};
  Splitter::Workspace workspace;
  const Splitter splitter(Onig("^b|a$"), SplitBehavior::kIsolated, false);
  splitter.Split("bbba", pieces, workspace);
  ASSERT_EQ(pieces.size(), 4u);
  EXPECT_EQ(pieces[2].begin, 2u);
  EXPECT_EQ(pieces[2].end, 3u);
}

TEST(Splitter, ClassesOfCharacters) {
  EXPECT_THAT(Cut({Splitter::OfClass{kDigitClass}, SplitBehavior::kContiguous, false}, "a12٣b"),
              ElementsAre("a", "12٣", "b"));
  EXPECT_THAT(
      Cut({Splitter::OfClass{kPunctuationClass}, SplitBehavior::kIsolated, false}, "a$-。b"),
      ElementsAre("a", "$", "-", "。", "b"));
  EXPECT_THAT(Cut({Splitter::OfClass{kSpaceClass}, SplitBehavior::kRemoved, false}, " a\u3000b\n"),
              ElementsAre("a", "b"));
}

// U+1C89, an upper-case letter, and U+10D40, a digit, were added in Unicode 16.0; U+1E030, a
// modifier letter, in Unicode 15.0.
TEST(RegexUnicode, ClassesHaveTheMembersOfUnicode16) {
  const auto matches = [](std::string_view pattern, std::string_view text) {
    return Regex(pattern, Regex::Syntax::kOniguruma, "p").FullMatch(text);
  };
  for (const char* pattern :
       {"\\p{L}",        "\\p{Lu}",       "\\p{ L_}",    "\\P{^letter}", "\\w",
        "[\\w]",         "[x\\p{Lu}]",    "[[:alpha:]]", "[[:upper:]]",  "[^\\P{Lu}]",
        "[^[:^alpha:]]", "\\p{Cyrillic}", "\\p{Any}",    "[^\\p{N}]",    "\\D",
        "\\H",           "\\S",           "\\P{Cn}",     "(?#[)\\p{Lu}", "[]\\w]",
        "(?x) \\w # [",  "\\b.\\b",       ".\\b(?!.)"}) {
    EXPECT_TRUE(matches(pattern, "\u1C89")) << pattern;
  }
  for (const char* pattern :
       {"\\P{L}", "\\p{^Lu}", "\\p{Ll}", "\\W", "[^\\w]", "[[:^alpha:]]", "\\p{N}", "\\d",
        "\\p{Cn}", "\\p{Han}", "(?W:\\w)", "\\B.", "[\\b]"}) {
    EXPECT_FALSE(matches(pattern, "\u1C89")) << pattern;
  }
  EXPECT_TRUE(matches("\\d\\p{Nd}[[:digit:]]", "\U00010D40\U00010D41\U00010D42"));
  // Oniguruma treats the superscripts of Latin-1 inconsistently, and this stays as it is.
  EXPECT_TRUE(matches("\\w\\b", "\u00B2"));
  EXPECT_FALSE(matches("\\W", "\u00B2"));
  EXPECT_FALSE(matches("[\\w]", "\u00B2"));
  EXPECT_TRUE(matches("\\p{Lm}", "\U0001E030"));
  EXPECT_EQ(WithCurrentUnicode("a\\\\p{L}\\"), "a\\\\p{L}\\");
  EXPECT_EQ(WithCurrentUnicode("\\p{Nonsense}\\p{L"), "\\p{Nonsense}\\p{L");
}

}  // namespace
}  // namespace lacos
