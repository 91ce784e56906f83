// The hand-written scanners: byte spelling, split patterns, added tokens, word cache.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "lacos/io/utf8.h"
#include "lacos/text/added_tokens.h"
#include "lacos/text/byte_level.h"
#include "lacos/text/split_pattern.h"
#include "lacos/text/utf8.h"
#include "lacos/text/vocabulary.h"
#include "lacos/text/word_cache.h"

namespace lacos {
namespace {

using testing::ElementsAre;

std::string Utf8(char32_t c) {
  std::string text;
  AppendUtf8(c, text);
  return text;
}

template <class F>
void ForEachCodePoint(F f) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c < 0xD800 || c > 0xDFFF) f(c);
  }
}

std::vector<std::string> Pieces(SplitPattern pattern, std::string_view text) {
  std::vector<std::string> pieces;
  ForEachPiece(pattern, text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

TEST(ByteLevel, EveryByteHasItsOwnCharacterAndComesBack) {
  std::set<char32_t> characters;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t character = ByteLevelCharacter(static_cast<uint8_t>(byte));
    characters.insert(character);
    EXPECT_EQ(ByteOfCharacter(character), byte);
    EXPECT_EQ(Utf8(character).size(),
              static_cast<size_t>(ByteLevelLength(static_cast<uint8_t>(byte))));
    const char raw = static_cast<char>(byte);
    std::string spelled, bytes;
    AppendByteLevel({&raw, 1}, spelled);
    EXPECT_EQ(spelled, Utf8(character));
    AppendBytesOf(spelled, bytes);
    EXPECT_EQ(bytes, std::string(1, raw));
  }
  EXPECT_EQ(characters.size(), 256u);
  EXPECT_EQ(ByteLevelCharacter(' '), 0x120u);
  EXPECT_EQ(ByteLevelCharacter('\n'), 0x10Au);
}

TEST(ByteLevel, AnEntryWithAForeignCharacterIsTakenLiterally) {
  std::string bytes = "x";
  AppendBytesOf("a b", bytes);
  EXPECT_EQ(bytes, "xa b");
  AppendBytesOf("日", bytes);
  EXPECT_EQ(bytes, "xa b日");
}

TEST(Utf8Decoding, InvalidBytesAreOneByteEachAndNeverReadPastTheEnd) {
  ForEachCodePoint([](char32_t c) {
    const std::string text = Utf8(c);
    const CodePoint point = DecodeUtf8(text, 0);
    ASSERT_EQ(point.value, c);
    ASSERT_EQ(static_cast<size_t>(point.length), text.size());
  });
  for (const std::string_view text : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80", "\xF0\x9F\x98", "\xFF", "\xE4\xB8"}) {
    EXPECT_EQ(DecodeUtf8(text, 0).value, kInvalidCodePoint);
    EXPECT_EQ(DecodeUtf8(text, 0).length, 1);
  }
}

// The expected list is what Oniguruma makes of the nested class in BLOOM's pattern. It was compared
// with the package tokenizers for every code point.
TEST(BloomPattern, ExactlyWhiteSpaceAndFourteenLiteralsBreakAWord) {
  const std::set<char32_t> breaks = {0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,   0xA0,
                                     0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
                                     0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
                                     0x3000, '!',    '(',    ')',    ',',    '.',    '?',    '|',
                                     0x60C,  0x6D4,  0x964,  0x2026, 0x3001, 0x3002, 0xFF0C};
  ASSERT_EQ(breaks.size(), 25u + 14u);
  ForEachCodePoint([&](char32_t c) {
    const size_t pieces = Pieces(SplitPattern::kBloom, fmt::format("a{}b", Utf8(c))).size();
    const size_t expected = c == ' ' ? 2 : breaks.contains(c) ? 3 : 1;
    ASSERT_EQ(pieces, expected) << static_cast<uint32_t>(c);
  });
}

TEST(BloomPattern, OneBlankBelongsToTheWordAfterIt) {
  EXPECT_THAT(Pieces(SplitPattern::kBloom, "a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(Pieces(SplitPattern::kBloom, "a (b) c"), ElementsAre("a", " (", "b", ")", " c"));
  EXPECT_THAT(Pieces(SplitPattern::kBloom, "Hello  world!!"),
              ElementsAre("Hello", " ", " world", "!!"));
  EXPECT_THAT(Pieces(SplitPattern::kBloom, "[a]"), ElementsAre("[a]"));
  EXPECT_THAT(Pieces(SplitPattern::kBloom, "\t a\nb"), ElementsAre("\t", " a", "\n", "b"));
  EXPECT_THAT(Pieces(SplitPattern::kBloom, ""), ElementsAre());
  EXPECT_THAT(Pieces(SplitPattern::kBloom, " "), ElementsAre(" "));
}

TEST(Gpt2Pattern, ContractionsRunsAndTheLastBlankBeforeAWord) {
  EXPECT_THAT(Pieces(SplitPattern::kGpt2, "they'll've 's'S"),
              ElementsAre("they", "'ll", "'ve", " '", "s", "'", "S"));
  EXPECT_THAT(Pieces(SplitPattern::kGpt2, "a  b\t\tc \n"),
              ElementsAre("a", " ", " b", "\t", "\t", "c", " \n"));
  EXPECT_THAT(Pieces(SplitPattern::kGpt2, "x12 34!?..é½"),
              ElementsAre("x", "12", " 34", "!?..", "é", "½"));
  EXPECT_THAT(Pieces(SplitPattern::kGpt2, "'"), ElementsAre("'"));
  EXPECT_THAT(Pieces(SplitPattern::kGpt2, "'l"), ElementsAre("'", "l"));
}

TEST(SplitPatterns, PiecesPutTogetherAreTheTextWhateverItsBytes) {
  uint32_t state = 12345;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      state = state * 1664525u + 1013904223u;
      text.push_back(static_cast<char>(state >> 24 & 1 ? state >> 16
                                                       : " '.\xC2\xE2\x80\x85s"[state >> 16 & 7]));
    }
    for (const SplitPattern pattern : {SplitPattern::kBloom, SplitPattern::kGpt2}) {
      std::string joined;
      for (const std::string& piece : Pieces(pattern, text)) {
        ASSERT_FALSE(piece.empty());
        joined += piece;
      }
      ASSERT_EQ(joined, text);
    }
  }
}

TEST(SplitPatterns, OnlyTheExactSpellingsAreKnown) {
  EXPECT_EQ(SplitPatternOf(" ?[^(\\s|[.,!?…。，、।۔،])]+"), SplitPattern::kBloom);
  EXPECT_EQ(SplitPatternOf("\\s+"), std::nullopt);
  EXPECT_EQ(SplitPatternOf(" ?[^(\\s|[.,!?])]+"), std::nullopt);
}

TEST(UnicodeClasses, ComeFromUnicode16) {
  const UnicodeTable& table = UnicodeTable::Get();
  EXPECT_EQ(table.Classes('a'), kLetterClass | kWordClass);
  EXPECT_EQ(table.Classes('_'), kWordClass | kPunctuationClass);
  EXPECT_EQ(table.Classes(0x1C89), kLetterClass | kWordClass);  // added in Unicode 16.0
  EXPECT_EQ(table.Classes(0x2163), kNumberClass | kDigitClass | kWordClass);  // Roman numeral four
  EXPECT_EQ(table.Classes(0x3000), kSpaceClass);
  EXPECT_EQ(table.Classes(0x200B), 0);
  EXPECT_EQ(table.Classes(0x110000), 0);
  EXPECT_EQ(table.Classes(kInvalidCodePoint), 0);
  int letters = 0, numbers = 0, spaces = 0;
  ForEachCodePoint([&](char32_t c) {
    letters += (table.Classes(c) & kLetterClass) != 0;
    numbers += (table.Classes(c) & kNumberClass) != 0;
    spaces += (table.Classes(c) & kSpaceClass) != 0;
  });
  EXPECT_EQ(letters, 141028);  // number of letters in DerivedGeneralCategory of Unicode 16.0
  EXPECT_EQ(numbers, 1911);
  EXPECT_EQ(spaces, 25);
}

std::vector<std::string> Segments(std::vector<AddedToken> tokens, std::string_view text) {
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i].id = static_cast<int32_t>(i);
  std::vector<AddedTokens::Segment> segments;
  AddedTokens(std::move(tokens)).Split(text, segments);
  std::vector<std::string> result;
  for (const auto& s : segments) {
    const std::string_view part = text.substr(s.begin, s.end - s.begin);
    result.push_back(s.id < 0 ? std::string(part) : fmt::format("{}:{}", s.id, part));
  }
  return result;
}

TEST(AddedTokensSplit, LeftmostFirstAndTheLongestOfThose) {
  EXPECT_THAT(Segments({{.content = "<s>"}, {.content = "<s>>"}, {.content = "s>"}}, "a<s>>b<s>s>"),
              ElementsAre("a", "1:<s>>", "b", "0:<s>", "2:s>"));
  EXPECT_THAT(Segments({{.content = "abcd"}, {.content = "bc"}}, "abcx"),
              ElementsAre("a", "1:bc", "x"));
  EXPECT_THAT(Segments({{.content = "x"}}, ""), ElementsAre());
  EXPECT_THAT(Segments({}, "ab"), ElementsAre("ab"));
}

TEST(AddedTokensSplit, StrippingTakesTheBlanksBeside) {
  EXPECT_THAT(Segments({{.content = "[L]", .lstrip = true}, {.content = "[R]", .rstrip = true}},
                       "a \t[L] [R]\u3000 b"),
              ElementsAre("a", "0: \t[L]", " ", "1:[R]\u3000 ", "b"));
}

TEST(AddedTokensSplit, SingleWordsStandAlone) {
  const std::vector<AddedToken> tokens = {{.content = "word", .single_word = true}};
  EXPECT_THAT(Segments(tokens, "word sword word_ (word)"),
              ElementsAre("0:word", " sword word_ (", "0:word", ")"));
  EXPECT_THAT(Segments(tokens, "éword"), ElementsAre("éword"));
}

TEST(AddedTokensSplit, NormalizedTokensAreLookedForBetweenTheOthers) {
  EXPECT_THAT(Segments({{.content = "the", .normalized = true}, {.content = "there"}}, "there the"),
              ElementsAre("1:there", " ", "0:the"));
}

TEST(WordCache, GivesBackOnlyWhatWasPutThereForExactlyThisWord) {
  WordCache cache;
  std::vector<int32_t> found;
  const auto padded = [](std::string word) { return word.append(WordCache::kReadableAfter, 'x'); };
  for (size_t length = 1; length <= WordCache::kMaxWordBytes; ++length) {
    const std::string buffer = padded(std::string(length, 'a'));
    const std::string_view word = std::string_view(buffer).substr(0, length);
    const uint64_t hash = WordCache::HashOf(word);
    EXPECT_FALSE(cache.AppendIds(word, hash, found));
    const auto id = static_cast<int32_t>(length);
    cache.Insert(word, hash, std::vector<int32_t>{id});
    found = {-5};
    ASSERT_TRUE(cache.AppendIds(word, hash, found));
    ASSERT_THAT(found, ElementsAre(-5, id));
    // every other word with the same slot in the cache and the same length
    for (size_t i = 0; i < length; ++i) {
      std::string other = buffer;
      other[i] = 'b';
      EXPECT_FALSE(cache.AppendIds(std::string_view(other).substr(0, length), hash, found));
    }
  }
  const std::string buffer = padded("ab");
  const std::vector<int32_t> many(15, 1);  // 15 ids and 2 bytes exceed an entry
  cache.Insert(std::string_view(buffer).substr(0, 2), 5, many);
  EXPECT_FALSE(cache.AppendIds(std::string_view(buffer).substr(0, 2), 5, found));
}

TEST(VocabularyTable, FindsStringsInOnePieceOrTwo) {
  Vocabulary vocabulary;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(vocabulary.Add(fmt::format("t{}", i), 2 * i), Vocabulary::AddResult::kAdded);
  }
  EXPECT_EQ(vocabulary.Find("t123"), 246);
  EXPECT_EQ(vocabulary.Find("t1", "23"), 246);
  EXPECT_EQ(vocabulary.Find("t1000"), -1);
  EXPECT_EQ(vocabulary.String(246), "t123");
  EXPECT_FALSE(vocabulary.Has(247));
  EXPECT_FALSE(vocabulary.Has(-1));
  EXPECT_EQ(vocabulary.IdLimit(), 1999);
  EXPECT_EQ(vocabulary.Add("new", 246), Vocabulary::AddResult::kDuplicateId);
  EXPECT_EQ(vocabulary.Add("t5", 5), Vocabulary::AddResult::kDuplicateString);
}

}  // namespace
}  // namespace lacos
