// What the files beside tokenizer.json may not do, and what they change about a tokenizer.
#include "lacos/text/tokenizer_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lacos/base/error.h"
#include "lacos/text/tokenize.h"
#include "test_paths.h"

namespace lacos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kBloom = LACOS_SOURCE_DIR "/tests/golden/tokenizer/bloom.tokenizer.json";

SideToken Token(const std::string& content, int32_t id = -1) {
  return {.token = {.content = content, .id = id, .special = true}, .where = "[f.json: key]"};
}

std::string Error(const TokenizerOptions& options, const std::string& text = "") {
  try {
    std::vector<int32_t> ids;
    Tokenizer::FromFile(kBloom, options)->Encode(text, ids);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TokenizerOptions, ATokenGetsTheNextFreeIdOrThatOfTheVocabulary) {
  const auto plain = Tokenizer::FromFile(kBloom);
  const auto next = static_cast<int32_t>(plain->VocabularySize());
  const auto tokenizer =
      Tokenizer::FromFile(kBloom, {.named = {Token("[Q]")}, .extra = {Token("a"), Token("[R]")}});
  EXPECT_EQ(tokenizer->TokenId("[Q]"), next);
  EXPECT_EQ(tokenizer->TokenId("a"), plain->TokenId("a"));
  EXPECT_EQ(tokenizer->TokenId("[R]"), next + 1);
  EXPECT_EQ(tokenizer->VocabularySize(), next + 2);
  EXPECT_EQ(tokenizer->Decode(std::vector<int32_t>{next}, false), "[Q]");
  EXPECT_TRUE(tokenizer->IsNamedSpecial(next));
  EXPECT_FALSE(tokenizer->IsNamedSpecial(0));
}

TEST(TokenizerOptions, AnotherIdThanThePackageGivesIsRefusedWithItsPlace) {
  const auto next = static_cast<int32_t>(Tokenizer::FromFile(kBloom)->VocabularySize());
  EXPECT_EQ(Error({.listed = {Token("[Q]", next)}}), "accepted");
  EXPECT_THAT(Error({.listed = {Token("[Q]", next + 1)}}),
              AllOf(HasSubstr("[f.json: key]"), HasSubstr("'[Q]'"),
                    HasSubstr("expected " + std::to_string(next))));
  EXPECT_THAT(Error({.listed = {Token("a", next)}}), HasSubstr("'a'"));
}

TEST(TokenizerOptions, ATokenWithoutARowIsRefusedWhereATextContainsIt) {
  const int64_t rows = Tokenizer::FromFile(kBloom)->VocabularySize();
  const TokenizerOptions options = {.extra = {Token("[Q]")}, .rows = rows};
  EXPECT_EQ(Error(options, "a [q] b"), "accepted");
  EXPECT_THAT(Error(options, "a [Q] b"),
              AllOf(HasSubstr("'[Q]'"), HasSubstr(std::to_string(rows) + " rows")));
  const auto tokenizer = Tokenizer::FromFile(kBloom, options);
  EXPECT_THROW(tokenizer->EncodeWithOffsets("[Q]"), UserError);
  EXPECT_THAT(Error({.rows = rows - 1}), HasSubstr("word embedding"));
}

TEST(TokenizerOptions, OnlyOptionsThatChangeIdsChangeTheIdentity) {
  const auto changes = [](const TokenizerOptions& options) {
    return Tokenizer::FromFile(kBloom, options)->SideChanges();
  };
  EXPECT_EQ(changes({}), "");
  EXPECT_EQ(changes({.named = {Token("<s>")}, .truncate_left = false}), "");
  std::set<std::string> distinct = {
      changes({.named = {Token("[Q]")}}), changes({.extra = {Token("[R]")}}),
      changes({.truncate_left = true}), changes({.split_special_tokens = true}), ""};
  EXPECT_EQ(distinct.size(), 5u);
}

TEST(TokenizerOptions, LeftTruncationKeepsTheEndAndWhatIsPutAroundIt) {
  const auto right = Tokenizer::FromFile(kBloom);
  const auto left = Tokenizer::FromFile(kBloom, {.truncate_left = true});
  const std::string text = "one two three four five";
  std::vector<int32_t> all;
  right->Encode(text, all);
  ASSERT_GE(all.size(), 5u);
  const TokenizeOptions options = {.max_length = 4, .before = {1}, .after = {2}};
  const TokenizedText end = TokenizeText(*left, text, options);
  EXPECT_EQ(end.ids, (std::vector<int32_t>{1, all[all.size() - 2], all.back(), 2}));
  EXPECT_TRUE(end.truncated);
  EXPECT_EQ(TokenizeText(*right, text, options).ids, (std::vector<int32_t>{1, all[0], all[1], 2}));
  EXPECT_EQ(LostPart(*left), "beginning");
  EXPECT_EQ(LostPart(*right), "end");
  const Encoding encoding = left->EncodeWithOffsets(text, 1);
  EXPECT_EQ(encoding.offsets.back().second, static_cast<int64_t>(text.size()));
}

TEST(TokenizerOptions, ALimitWithoutRoomForATextIsRefused) {
  const auto tokenizer = Tokenizer::FromFile(kBloom);
  RequireRoomForText(*tokenizer, {.max_length = 1});
  RequireRoomForText(*tokenizer, {.max_length = 3, .before = {1}, .after = {2}});
  EXPECT_THROW(RequireRoomForText(*tokenizer, {.max_length = 2, .before = {1}, .after = {2}}),
               UserError);
}

}  // namespace
}  // namespace lacos
