// Regular expressions in tokenizer files and adapters: what matches in Oniguruma's and Python's
// syntax, and that no pattern hangs or runs out of memory.
#include "lacos/text/regex.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "lacos/base/error.h"

namespace lacos {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Regex Onig(std::string_view pattern) {
  return {pattern, Regex::Syntax::kOniguruma, "t.json: pattern"};
}
Regex Python(std::string_view pattern) {
  return {pattern, Regex::Syntax::kPython, "a.json: target_modules"};
}

std::vector<std::string> Matches(const Regex& regex, std::string_view text) {
  std::vector<std::string> found;
  for (size_t from = 0; from <= text.size();) {
    const auto match = regex.Search(text, from);
    if (!match) break;
    found.emplace_back(text.substr(match->begin, match->end - match->begin));
    from = match->end > from ? match->end : match->end + 1;
  }
  return found;
}

TEST(RegexSearch, FindsTheLeftmostMatchFromAPosition) {
  const Regex regex = Onig("b+");
  const auto match = regex.Search("abba bb", 0);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->begin, 1u);
  EXPECT_EQ(match->end, 3u);
  EXPECT_EQ(regex.Search("abba bb", 3)->begin, 5u);
  EXPECT_FALSE(regex.Search("abba", 3));
  EXPECT_FALSE(regex.Search("", 0));
  EXPECT_TRUE(Onig("").Search("", 0));
}

TEST(RegexSearch, LooksBehindWhereItBegins) {
  EXPECT_EQ(Onig("(?<=a)b").Search("ab", 1)->begin, 1u);
  EXPECT_FALSE(Onig("\\Ab").Search("ab", 1));
}

TEST(RegexSearch, KnowsUnicodeClassesNestedClassesAndCaseFolding) {
  EXPECT_THAT(Matches(Onig("\\p{L}+|\\p{N}{1,3}"), "añ 12345 日本٣"),
              ElementsAre("añ", "123", "45", "日本", "٣"));
  EXPECT_THAT(Matches(Onig("(?i:'s|'ll)"), "'S 'lL '\xC5\xBF"),
              ElementsAre("'S", "'lL", "'\xC5\xBF"));
  EXPECT_THAT(Matches(Onig("[^(\\s|[.,])]+"), "a (b.c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Matches(Onig("[a-z&&[^aeiou]]+"), "house"), ElementsAre("h", "s"));
}

TEST(RegexSearch, ThreadsShareOnePattern) {
  const Regex regex = Onig("(?:[a-z]+|\\d+)(?!\\S)");
  std::string text;
  for (int i = 0; i < 500; ++i) text += "ab 12 c3 ";
  const std::vector<std::string> expected = Matches(regex, text);
  EXPECT_EQ(expected.size(), 1500u);
  std::vector<std::vector<std::string>> found(4);
  std::vector<std::thread> threads;
  for (auto& result : found) threads.emplace_back([&] { result = Matches(regex, text); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : found) EXPECT_EQ(result, expected);
}

// The expected values are those of Python's re.fullmatch.
TEST(RegexFullMatch, AnswersAsPythonDoes) {
  struct Case {
    const char *pattern, *text;
    bool matches;
  };
  const std::string layer = "h.0.self_attention.query_key_value";
  for (const Case& c : std::vector<Case>{
           {".*\\.query_key_value", "h.0.self_attention.query_key_value", true},
           {"query_key_value", "h.0.self_attention.query_key_value", false},
           {".*h\\.[0-2]\\..*(dense|query_key_value)", "h.2.mlp.dense", true},
           {".*h\\.[0-2]\\..*(dense|query_key_value)", "h.2.mlp.dense_h_to_4h", false},
           {"a|ab", "ab", true},  // matches although the leftmost alternative is shorter
           {"(a|ab)(c|bcd)(d*)", "abcd", true},
           {"a*?", "aaa", true},
           {"a$", "a", true},
           {"a$\\n", "a\n", true},
           {"a$", "a\n", false},
           {"a\\Z", "a", true},
           {"a\\Z\\n", "a\n", false},
           {"^a", "a", true},
           {"\\n^a", "\na", false},
           {"(?m)\\n^a", "\na", true},
           {".", "\n", false},
           {"(?s).", "\n", true},
           {"(?i)AB", "aB", true},
           {"(?x) a b # comment", "ab", true},
           {"(?P<x>a)(?P=x)", "aa", true},
           {"(?P<x>a)(?P=x)", "ab", false},
           {"(a)\\1", "aa", true},
           {"a{,2}", "aa", true},
           {"a{,2}", "a{,2}", false},
           {"a{2}", "aa", true},
           {"[[]a", "[a", true},
           {"[a&&b]+", "&&ab", true},
           {"(?!h\\.1\\.).*dense", "h.1.mlp.dense", false},
           {"(?!h\\.1\\.).*dense", "h.11.mlp.dense", true},
           {".*(?<!4h)", "dense_h_to_4h", false},
           {"\\d+", "12", true},
           {"\\w+", "a_1", true},
           {"", "", true},
           {"", "a", false},
       }) {
    EXPECT_EQ(Python(c.pattern).FullMatch(c.text), c.matches) << c.pattern << " on " << c.text;
  }
  EXPECT_FALSE(Python(".*").FullMatch("\xFF"));
}

std::string Message(const std::string& pattern, Regex::Syntax syntax) {
  try {
    const Regex regex(pattern, syntax, "t.json: pattern");
  } catch (const UserError& error) {
    return error.what();
  }
  return "compiled";
}

TEST(RegexErrors, NameThePlaceThePatternAndTheFault) {
  EXPECT_THAT(Message("(a", Regex::Syntax::kOniguruma),
              AllOf(HasSubstr("[t.json: pattern]"), HasSubstr("\"(a\""), HasSubstr("parenthesis")));
  for (const char* pattern :
       {"(a", "a)", "a)(b", "[a", "*", "(?<x", "\\p{Nonsense}", "\\g<nothing>", "(?<=a*)b(",
        "a{100001}", "(?{code})", "(*FAIL)", "[z-a]", "\xFF", "\\"}) {
    const std::string message = Message(pattern, Regex::Syntax::kOniguruma);
    EXPECT_THAT(message, AllOf(HasSubstr("[t.json: pattern]"), HasSubstr("expected"))) << pattern;
  }
  for (const char* pattern : {"(a", "a)(b", "[a", "*", "(?P<x", "(?P=y)"}) {
    EXPECT_THAT(Message(pattern, Regex::Syntax::kPython), HasSubstr("[t.json: pattern]"))
        << pattern;
  }
  EXPECT_THAT(Message(std::string(70'000, 'a'), Regex::Syntax::kOniguruma),
              HasSubstr("longer than"));
  EXPECT_THAT(Message(std::string(60'000, '('), Regex::Syntax::kOniguruma),
              HasSubstr("[t.json: pattern]"));
  EXPECT_THAT(
      Message(std::string(30'000, '[') + std::string(30'000, ']'), Regex::Syntax::kOniguruma),
      HasSubstr("[t.json: pattern]"));
}

TEST(RegexLimits, APatternThatBacktracksWithoutEndIsAnError) {
  // Each pattern fails only at the end. No letter is missing in the text, which would prove at once
  // that there is no match.
  const std::string text = std::string(60, 'a') + "!";
  for (const char* pattern : {"(a+)+$", "(a|a)*$", "(a*)*(?<!a|!)", "(?:(a+)+)+(?!a|!)"}) {
    EXPECT_THROW((void)Onig(pattern).Search(text, 0), UserError) << pattern;
  }
  EXPECT_THROW((void)Python("(a+)+").FullMatch(text), UserError);
  EXPECT_THROW(
      (void)Python("(x?)+(x?)+(x?)+(x?)+(x?)+(?!x)[^x]").FullMatch(std::string(3000, 'x') + "x"),
      UserError);
  // This search fails slowly at every position. No single attempt exceeds the limit, but all of
  // them together do.
  EXPECT_THROW((void)Onig("a*(?!a|\\z)").Search(std::string(100'000, 'a'), 0), UserError);
}

TEST(RegexLimits, PatternsMadeAtRandomAreAnErrorOrWork) {
  const std::vector<std::string> parts = {
      "a",  "b",         "(",      ")",    "[",      "]",   "^",   "*",       "+",     "?",
      "|",  "{2,3}",     "{",      "\\p{", "\\p{L}", "}",   "\\w", "\\b",     "[^",    "&&",
      "-",  "(?i:",      "(?<",    "(?<=", "(?<!",   "(?!", "(?>", "\\1",     "(?<n>", "\\g<n>",
      "\\", "[:alpha:]", "\u65e5", "(?~",  "(?#",    "\\K", "\\X", "\\x{41}", "(?(1)", "$"};
  std::mt19937 random(1);
  int compiled = 0, matched = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern;
    for (size_t i = random() % 12 + 1; i > 0; --i) pattern += parts[random() % parts.size()];
    try {
      const Regex regex(pattern, round % 2 ? Regex::Syntax::kPython : Regex::Syntax::kOniguruma,
                        "p");
      ++compiled;
      const std::string text = "ab\u65e5 a1-b\u0301";
      for (const size_t from : {0, 2, 5, 13}) {
        const auto match = regex.Search(text, from);
        if (!match) continue;
        ++matched;
        ASSERT_LE(match->begin, match->end) << pattern;
        ASSERT_LE(match->end, text.size()) << pattern;
      }
      (void)regex.FullMatch(text);
    } catch (const UserError&) {
    }
  }
  EXPECT_GT(compiled, 500);
  EXPECT_GT(matched, 500);
}

// Oniguruma's check for recursion follows every call. For 60 levels with two calls each that would
// take 2^60 steps.
TEST(RegexLimits, NestedCallsOfGroupsAreRefused) {
  const auto nested = [](int levels, const char* form) {
    std::string pattern;
    for (int i = 0; i < levels; ++i) pattern += fmt::format(fmt::runtime(form), i, i + 1);
    return pattern + fmt::format("(?<n{}>a)", levels);
  };
  EXPECT_EQ(Onig(nested(8, "(?<n{0}>\\g<n{1}>\\g<n{1}>)")).Search("b", 0), std::nullopt);
  for (const char* form : {"(?<n{0}>\\g<n{1}>\\g<n{1}>)", "(?<n{0}>\\g'n{1}'\\g'n{1}')"}) {
    EXPECT_THROW(Onig(nested(60, form)), UserError);
  }
  EXPECT_THROW(Python(nested(60, "(?P<n{0}>(?P>n{1})(?P>n{1}))")), UserError);
  // Groups with options are not calls.
  EXPECT_TRUE(Python("(?:a(?-i:b)){1}").FullMatch("ab"));
  std::string options;
  for (int i = 0; i < 20; ++i) options += "(?i:a)(?-i:b)";
  EXPECT_TRUE(Onig(options).Search("AbabAbabAbabAbabAbabAbabAbabAbabAbabAbab", 0));
}

TEST(RegexLimits, DeepRecursionAndLongTextsStayInMemory) {
  EXPECT_THROW((void)Onig("(?:a|b)*!").Search(std::string(5'000'000, 'a') + "!", 0), UserError);
  EXPECT_EQ(Onig("(?:a|b)*").Search(std::string(100'000, 'a'), 0)->end, 100'000u);
  const std::string nested = std::string(50'000, '(') + std::string(50'000, ')');
  try {
    (void)Onig("(?<p>\\(\\g<p>*\\))").Search(nested, 0);
  } catch (const UserError&) {
  }
}

}  // namespace
}  // namespace lacos
