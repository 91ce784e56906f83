// Loading tokenizer.json: what is refused and under which name, files of BLOOM's size, and real
// files where the shared files have them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/utf8.h"
#include "lacos/text/byte_level.h"
#include "lacos/text/fast_model_scan.h"
#include "lacos/text/tokenizer.h"
#include "lacos/text/tokenizer_spec.h"
#include "test_paths.h"

namespace lacos {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

const std::string kSplit =
    R"({"type":"Split","pattern":{"Regex":" ?[^(\\s|[.,!?…。，、।۔،])]+"},"behavior":"Isolated","invert":false})";
const std::string kByteLevel =
    R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false})";
const std::string kModel =
    R"({"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,)"
    R"("fuse_unk":false,"byte_fallback":false,"vocab":{"<s>":0,"a":1,"b":2,"ab":3,"Ġ":4},"merges":[["a","b"]]})";
const std::string kFile =
    R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":0,"content":"<s>","single_word":false,)"
    R"("lstrip":false,"rstrip":false,"normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":)"
    R"({"type":"Sequence","pretokenizers":[)" +
    kSplit + "," + kByteLevel + R"(]},"post_processor":)" + kByteLevel + R"(,"decoder":)" +
    kByteLevel + R"(,"model":)" + kModel + "}";

std::vector<int32_t> Ids(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  tokenizer.Encode(text, ids);
  return ids;
}

// Bytes from which damaged JSON is made.
constexpr std::string_view kLikelyBytes = "0123456789\"{}[],:ab-\\eu \n\x01\x80";

std::string Refusal(const std::string& json) {
  try {
    Tokenizer::FromJson(json, "t.json");
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TokenizerJson, TheFileThatTheRefusalsChangeIsAccepted) {
  const auto tokenizer = Tokenizer::FromJson(kFile, "t.json");
  EXPECT_EQ(Ids(*tokenizer, "ab<s> ab"), (std::vector<int32_t>{3, 0, 4, 3}));
  EXPECT_EQ(tokenizer->VocabularySize(), 5);
  EXPECT_EQ(tokenizer->TokenId("<s>"), 0);
  EXPECT_EQ(tokenizer->TokenId("Ġ"), 4);
  EXPECT_EQ(tokenizer->TokenId("zz"), -1);
  EXPECT_EQ(tokenizer->Decode(std::vector<int32_t>{3, 0, 4}, false), "ab<s> ");
  EXPECT_EQ(tokenizer->Decode(std::vector<int32_t>{3, 0, 4}, true), "ab ");
  EXPECT_THROW(tokenizer->Decode(std::vector<int32_t>{5}, false), UserError);
  EXPECT_THROW(tokenizer->Decode(std::vector<int32_t>{-1}, false), UserError);
}

TEST(TokenizerJson, AFileWithoutAnObjectOrBeyondAGigabyteIsRefused) {
  for (const char* text : {"[]", "1", "\"text\"", "null"}) {
    EXPECT_THAT(Refusal(text), AllOf(HasSubstr("[t.json"), HasSubstr("no JSON object"))) << text;
  }
  const std::string path = testing::TempDir() + "lacos_large_tokenizer.json";
  std::ofstream(path) << kFile;
  // a sparse file, which takes no space on the disk
  std::filesystem::resize_file(path, (uint64_t{1} << 30) + 1);
  try {
    Tokenizer::FromFile(path);
    ADD_FAILURE() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has 1073741825 bytes"));
  }
  std::filesystem::remove(path);
}

TEST(TokenizerJson, TruncationAndPaddingOfTheFileChangeNothing) {
  const std::string json =
      Replaced(kFile, R"("truncation":null,"padding":null)",
               R"("truncation":{"max_length":1},"padding":{"strategy":"BatchLongest"})");
  EXPECT_EQ(Ids(*Tokenizer::FromJson(json, "t.json"), "ab<s>"), (std::vector<int32_t>{3, 0}));
}

struct Change {
  std::string from, to, expected;  // `expected` is part of the message
};
// By default GoogleTest would print the bytes of the string objects.
void PrintTo(const Change& change, std::ostream* out) { *out << change.to; }

class Refused : public testing::TestWithParam<Change> {};

TEST_P(Refused, NamesThePlaceAndTheReason) {
  const Change& change = GetParam();
  EXPECT_THAT(Refusal(Replaced(kFile, change.from, change.to)),
              AllOf(HasSubstr("[t.json"), HasSubstr(change.expected)));
}

const std::string kAdded = R"({"id":0,"content":"<s>")";
const std::string kPost = R"("post_processor":)" + kByteLevel;

INSTANTIATE_TEST_SUITE_P(
    Unsupported, Refused,
    testing::Values(
        Change{R"("normalizer":null)", R"("normalizer":{"type":"NFC"})", "normalizer \"NFC\""},
        Change{R"("type":"BPE")", R"("type":"WordPiece")", "WordPiece"},
        Change{R"("dropout":null)", R"("dropout":0.1)", "dropout 0.1"},
        Change{R"("byte_fallback":false)", R"("byte_fallback":true)", "byte_fallback"},
        Change{R"("end_of_word_suffix":null)", R"("end_of_word_suffix":"</w>")",
               "end_of_word_suffix"},
        Change{R"("continuing_subword_prefix":null)", R"("continuing_subword_prefix":"##")",
               "continuing_subword"},
        Change{R"("fuse_unk":false)", R"("fuse_unk":false,"new_feature":1)", "new_feature"},
        Change{R"("version":"1.0")", R"("version":"2.0")", "version \"2.0\""},
        Change{R"("version":"1.0")", R"("version":"1.0","extra":{})", "\"extra\""},
        Change{"[^(\\\\s|", "((\\\\s|", "unmatched parenthesis"},
        Change{R"({"Regex":" ?)", R"({"Other":" ?)", "the pattern"},
        Change{R"({"Regex":" ?)", R"({"String":"","x":" ?)", "an empty pattern"},
        Change{R"("behavior":"Isolated")", R"("behavior":"Erased")", "Erased"},
        Change{R"("invert":false)", R"("invert":"yes")", "invert"},
        Change{kSplit + ",", R"({"type":"Metaspace","replacement":"_"},)", "Metaspace"},
        Change{
            R"("normalizer":null)",
            R"("normalizer":{"type":"Sequence","normalizers":[{"type":"Sequence","normalizers":[]},{"type":"NFC"}]})",
            "normalizer \"NFC\""},
        Change{"," + kByteLevel + "]", "]", "without ByteLevel"},
        Change{kSplit + "," + kByteLevel, kByteLevel + "," + kByteLevel, "a second ByteLevel"},
        Change{kPost, R"("post_processor":{"type":"Metaspace"})", "Metaspace"},
        Change{R"("decoder":)" + kByteLevel, R"("decoder":{"type":"Metaspace"})", "Metaspace"}));

INSTANTIATE_TEST_SUITE_P(
    Malformed, Refused,
    testing::Values(
        Change{R"([["a","b"]])", R"([["a","q"]])", "\"q\", which is not in the vocabulary"},
        Change{R"([["a","b"]])", R"([["b","a"]])", "\"ba\", which is not in the vocabulary"},
        Change{R"([["a","b"]])", R"(["a b c"])", "a b c"},
        Change{R"([["a","b"]])", R"(["ab"])", "\"ab\""},
        Change{R"([["a","b"]])", R"([["a","b"],"a b"])", "pair"},
        Change{R"([["a","b"]])", R"(["a b",["a","b"]])", "expected a string"},
        Change{R"([["a","b"]])", R"([["a","b","c"]])", "pair"},
        Change{R"([["a","b"]])", R"([["a",1]])", "expected a string"},
        Change{R"([["a","b"]])", R"([0,1])", "expected a string"},
        Change{R"([["a","b"]])", R"({"a":"b"})", "found no array"},
        Change{R"("b":2)", R"("b":1)", "id 1 for both"}, Change{R"("b":2)", R"("b":-1)", "id -1"},
        Change{R"("b":2)", R"("b":4294967297)", "id 4294967297"},
        Change{R"("b":2)", R"("b":99999999999999999999)", "99999999999999999999"},
        Change{R"("b":2)", R"("b":2.0)", "2.0"}, Change{R"("b":2)", R"("b":"2")", "integer"},
        Change{R"("b":2)", R"("a":2)", "twice"},
        Change{R"({"<s>":0,"a":1,"b":2,"ab":3,"Ġ":4})", "[]", "found no object"},
        Change{kModel, "[]", "found no object"},
        Change{R"("model":{"type")", R"("m0del":{"type")", "the key \"m0del\""},
        Change{R"("unk_token":null)", R"("unk_token":"<unk>")", "<unk>"},
        Change{kAdded, R"({"id":7,"content":"<s>")", "id 7"},
        Change{kAdded, R"({"id":5,"content":"")", "empty"},
        Change{kAdded, R"({"id":2,"content":"new")", "id 2"},
        Change{kAdded, R"({"id":1e3,"content":"<s>")", "integer"},
        Change{kAdded, R"({"id":9000000000,"content":"new")", "9000000000"},
        Change{kAdded, R"({"id":0,"content":"<s>"},{"id":0,"content":"<s>")", "second time"},
        Change{R"("normalized":false)", R"("normalized":1)", "normalized"},
        Change{
            kPost,
            R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}}],)"
            R"("pair":[],"special_tokens":{}})",
            "special_tokens"},
        Change{
            kPost,
            R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}}],)"
            R"("pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[77],"tokens":["<s>"]}}})",
            "id 77"},
        Change{
            kPost,
            R"("post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],)"
            R"("pair":[],"special_tokens":{}})",
            "\"B\""}));

TEST(TokenizerJson, WhatChangesNothingIsAccepted) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"("normalizer":null)", R"("normalizer":{"type":"Sequence","normalizers":[]})"},
           {R"("decoder":)" + kByteLevel,
            R"("decoder":{"type":"Sequence","decoders":[)" + kByteLevel + "]}"},
           {R"("dropout":null)", R"("dropout":0.0)"},
           {R"("end_of_word_suffix":null)", R"("end_of_word_suffix":"")"},
           {kPost, R"("post_processor":{"type":"Sequence","processors":[]})"}}) {
    const auto tokenizer = Tokenizer::FromJson(Replaced(kFile, from, to), "t.json");
    EXPECT_EQ(Ids(*tokenizer, "ab<s> ab"), (std::vector<int32_t>{3, 0, 4, 3})) << to;
    EXPECT_EQ(tokenizer->Decode(std::vector<int32_t>{3, 4, 3}, false), "ab ab") << to;
  }
}

TEST(TokenizerJson, LoneSurrogatesAreNoText) {
  for (const char* lone : {R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("a\ud83dz")"}) {
    EXPECT_THAT(Refusal(Replaced(kFile, R"("b":2)", std::string(lone) + ":2")),
                HasSubstr("[t.json"))
        << lone;
    EXPECT_THAT(Refusal(Replaced(kFile, R"("content":"<s>")", R"("content":)" + std::string(lone))),
                HasSubstr("[t.json"))
        << lone;
    EXPECT_THAT(Refusal(Replaced(kFile, R"(" ?[^)", lone)), HasSubstr("[t.json")) << lone;
  }
}

TEST(TokenizerJson, APatternThatNeverEndsIsAnErrorWhenItMeetsItsText) {
  const auto tokenizer = Tokenizer::FromJson(
      Replaced(kFile, R"(" ?[^(\\s|[.,!?…。，、।۔،])]+")", R"j("(a+)+(?![ab]|\\z|!)")j"), "t.json");
  EXPECT_EQ(Ids(*tokenizer, "b"), (std::vector<int32_t>{2}));
  std::vector<int32_t> ids;
  EXPECT_THROW(tokenizer->Encode(std::string(50, 'a') + "!", ids), UserError);
  EXPECT_EQ(Ids(*tokenizer, "b"), (std::vector<int32_t>{2}));
}

TEST(TokenizerJson, DeepNestingIsAnErrorAndNoStackOverflow) {
  const std::string deep(200'000, '[');
  EXPECT_THAT(Refusal(deep), HasSubstr("[t.json"));
  std::string pre;
  for (int i = 0; i < 100; ++i) pre += R"({"type":"Sequence","pretokenizers":[)";
  EXPECT_THAT(Refusal(Replaced(kFile, R"("pre_tokenizer":)", R"("pre_tokenizer":)" + pre)),
              HasSubstr("[t.json"));
}

TEST(TokenizerJson, EveryPrefixOfAFileIsAnError) {
  for (size_t n = 0; n < kFile.size(); ++n) EXPECT_NE(Refusal(kFile.substr(0, n)), "accepted") << n;
}

TEST(TokenizerJson, ChangedBytesGiveAnErrorOrATokenizerThatWorks) {
  std::mt19937 random(1);
  int accepted = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string json = kFile;
    for (int change = 0; change < 2; ++change)
      json[random() % json.size()] = kLikelyBytes[random() % kLikelyBytes.size()];
    try {
      const auto tokenizer = Tokenizer::FromJson(json, "t.json");
      tokenizer->Decode(tokenizer->EncodeWithOffsets("ab <s> b a.日\x80").ids, true);
      ++accepted;
    } catch (const UserError&) {
    }
  }
  EXPECT_GT(accepted, 0);
}

bool SameModel(const TokenizerSpec& a, const TokenizerSpec& b) {
  if (a.vocabulary.size() != b.vocabulary.size() ||
      a.vocabulary.IdLimit() != b.vocabulary.IdLimit())
    return false;
  for (int64_t id = 0; id < a.vocabulary.IdLimit(); ++id) {
    if (a.vocabulary.Has(id) != b.vocabulary.Has(id)) return false;
    if (a.vocabulary.Has(id) && a.vocabulary.String(id) != b.vocabulary.String(id)) return false;
  }
  return std::equal(a.merges.begin(), a.merges.end(), b.merges.begin(), b.merges.end(),
                    [](const auto& x, const auto& y) {
                      return x.left == y.left && x.right == y.right && x.result == y.result;
                    });
}

// Whether the fast reader and the general reader give the same result for a file, or the general
// one refuses it.
testing::AssertionResult FastWayAgrees(const std::string& json, bool* used = nullptr) {
  std::optional<FastModel> fast = ScanModel(json);
  std::optional<TokenizerSpec> fast_spec, spec;
  try {
    if (fast) fast_spec = ReadTokenizerSpec(Json::Parse(fast->rest, "rest"), std::move(fast->spec));
  } catch (const UserError&) {
  }
  if (used) *used = fast_spec.has_value();
  if (!fast_spec) return testing::AssertionSuccess();
  try {
    spec = ReadTokenizerSpec(Json::Parse(json, "whole"));
  } catch (const UserError& error) {
    return testing::AssertionFailure() << error.what() << " in " << json;
  }
  if (!SameModel(*fast_spec, *spec))
    return testing::AssertionFailure() << "another model from " << json;
  return testing::AssertionSuccess();
}

TEST(FastModelScan, AcceptsOnlyWhatTheGeneralWayAcceptsWithTheSameResult) {
  const std::vector<std::string> files = {
      kFile, Replaced(kFile, R"([["a","b"]])", R"([ "#version: 0.2", "a b" ])"),
      Replaced(kFile, R"("Ġ":4})", R"("\u0120" : 4 ,"\"":5,"\\":6,"\u0041\n":7})"),
      Replaced(kFile, kModel, kModel + "\n")};
  std::mt19937 random(2);
  for (const std::string& file : files) {
    bool used = false;
    ASSERT_TRUE(FastWayAgrees(file, &used));
    EXPECT_TRUE(used) << file;
    const size_t model = file.find("\"vocab\"");
    for (int round = 0; round < 5000; ++round) {
      std::string json = file;
      json[model + random() % (json.size() - model)] = kLikelyBytes[random() % kLikelyBytes.size()];
      ASSERT_TRUE(FastWayAgrees(json));
    }
  }
}

TEST(FastModelScan, IsTakenForRealFiles) {
  for (const char* name : {"bloom", "bloom_added", "gpt2", "gpt2_prefix", "ignore_merges",
                           "missing_fused", "llama3"}) {
    bool used = false;
    const std::string path =
        fmt::format("{}/tests/golden/tokenizer/{}.tokenizer.json", LACOS_SOURCE_DIR, name);
    EXPECT_TRUE(FastWayAgrees(ReadFileToString(path), &used));
    EXPECT_TRUE(used) << name;
  }
}

void ExpectInvalidBytesComeThrough(const Tokenizer& tokenizer) {
  for (const std::string text : {"\xFF", "a\xC3", "\xE2\x80", "\xF0\x9F\x98", "\x80\x80 \xC2"}) {
    const Encoding encoding = tokenizer.EncodeWithOffsets(text);
    EXPECT_EQ(Ids(tokenizer, text), encoding.ids);
    EXPECT_EQ(encoding.offsets.size(), encoding.ids.size());
    EXPECT_EQ(tokenizer.Decode(encoding.ids, false), ReplaceInvalidUtf8(text));
  }
}

TEST(TokenizerJson, InvalidUtf8IsEncodedByteByByteWithoutHarm) {
  const std::string by_regex =
      Replaced(ReadFileToString(LACOS_SOURCE_DIR "/tests/golden/tokenizer/bloom.tokenizer.json"),
               R"(" ?[^)", R"("\\p{L}+| ?[^)");
  ExpectInvalidBytesComeThrough(*Tokenizer::FromJson(by_regex, "by_regex.json"));
  ExpectInvalidBytesComeThrough(
      *Tokenizer::FromFile(LACOS_SOURCE_DIR "/tests/golden/tokenizer/bloom.tokenizer.json"));
}

// A tokenizer.json of BLOOM's size: 250,680 entries, each of which is made by one merge, apart from
// the bytes and the special tokens.
std::string BigFile() {
  Json vocab = Json::Object();
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "<pad>"};
  for (int byte = 0; byte < 256; ++byte) {
    const char raw = static_cast<char>(byte);
    tokens.emplace_back();
    AppendByteLevel({&raw, 1}, tokens.back());
  }
  std::string merges;
  constexpr size_t kEntries = 250'680;
  // The merges are byte + byte, then (byte + byte) + byte, ...
  for (size_t i = 0; tokens.size() < kEntries; ++i) {
    const std::string &left = tokens[4 + i / 256], &right = tokens[4 + i % 256];
    merges += fmt::format("{}[{},{}]", i > 0 ? "," : "", Json(left).Dump(), Json(right).Dump());
    tokens.push_back(left + right);
  }
  std::string entries;
  for (size_t i = 0; i < tokens.size(); ++i)
    entries += fmt::format("{}{}:{}", i > 0 ? "," : "", Json(tokens[i]).Dump(), i);
  return Replaced(
      Replaced(Replaced(kFile, R"({"<s>":0,"a":1,"b":2,"ab":3,"Ġ":4})", "{" + entries + "}"),
               R"([["a","b"]])", "[" + merges + "]"),
      R"("id":0)", R"("id":1)");
}

TEST(TokenizerJson, AFileOfBloomsSizeLoads) {
  const auto tokenizer = Tokenizer::FromJson(BigFile(), "big.json");
  EXPECT_EQ(tokenizer->VocabularySize(), 250'680);
  EXPECT_EQ(Ids(*tokenizer, "ab<s>"), (std::vector<int32_t>{260 + 256 * 'a' + 'b', 1}));
  EXPECT_EQ(Ids(*tokenizer, "abab").size(), 2u);  // no merge joins two pairs
  const std::string text = "Bytes of every kind: é 日本 \x01\n";
  EXPECT_EQ(tokenizer->Decode(Ids(*tokenizer, text), false), text);
}

TEST(TokenizerJson, StepsAndPatternsAreBounded) {
  std::string digits, patterns;
  for (int i = 0; i < 300; ++i) digits += R"({"type":"Digits","individual_digits":true},)";
  EXPECT_THAT(Refusal(Replaced(kFile, kSplit, digits + kSplit)), HasSubstr("at most 256"));
  const std::string pattern = R"({"type":"Split","pattern":{"Regex":")" + std::string(1000, 'a') +
                              R"("},"behavior":"Removed"},)";
  for (int i = 0; i < 70; ++i) patterns += pattern;
  EXPECT_THAT(Refusal(Replaced(kFile, kSplit, patterns + kSplit)),
              HasSubstr("at most 65536 in all"));
}

TEST(TokenizerJson, ATemplateDoesNotMultiplyItsLists) {
  std::string ids = "0", pieces;
  for (int i = 1; i < 3000; ++i) ids += ",0";
  const std::string piece = R"({"SpecialToken":{"id":"<s>","type_id":0}},)";
  const auto file = [&](int count) {
    pieces.clear();
    for (int i = 0; i < count; ++i) pieces += piece;
    return Replaced(
        kFile, kPost,
        R"("post_processor":{"type":"TemplateProcessing","single":[)" + pieces +
            R"({"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[)" +
            ids + R"(],"tokens":["<s>"]}}})");
  };
  EXPECT_EQ(Ids(*Tokenizer::FromJson(file(1), "t.json"), "ab").size(), 3001u);
  EXPECT_THAT(Refusal(file(2)), HasSubstr("at most 4096"));
}

TEST(TokenizerJson, ACharDelimiterCutsAndGoes) {
  const auto with = [](const std::string& delimiter) {
    return Replaced(kFile, kSplit,
                    R"({"type":"CharDelimiterSplit","delimiter":")" + delimiter + "\"}");
  };
  EXPECT_EQ(Ids(*Tokenizer::FromJson(with("-"), "t.json"), "ab-a-b"),
            (std::vector<int32_t>{3, 1, 2}));
  EXPECT_THAT(Refusal(with("")), HasSubstr("one character"));
}

TEST(TokenizerJson, BertsAndRobertasPostProcessorsPutTheirTokensAround) {
  const auto with = [](const std::string& step) {
    return Replaced(kFile, kPost, R"("post_processor":)" + step);
  };
  const std::string tokens = R"("sep":["b",2],"cls":["<s>",0])";
  const std::string bert = R"({"type":"BertProcessing",)" + tokens + "}";
  const std::string roberta =
      R"({"type":"RobertaProcessing",)" + tokens + R"(,"trim_offsets":false})";
  for (const std::string& step : {bert, roberta}) {
    const auto tokenizer = Tokenizer::FromJson(with(step), "t.json");
    EXPECT_EQ(Ids(*tokenizer, "ab"), (std::vector<int32_t>{0, 3, 2})) << step;
    EXPECT_EQ(Ids(*tokenizer, ""), (std::vector<int32_t>{0, 2})) << step;
  }
  EXPECT_THAT(Refusal(with(Replaced(bert, R"(["b",2])", R"(["b"])"))),
              HasSubstr("a pair of a token and its id"));
  EXPECT_THAT(Refusal(with(Replaced(bert, R"(["b",2])", R"(["b",77])"))), HasSubstr("id 77"));
  for (const std::string& second :
       {roberta,
        std::string(
            R"({"type":"TemplateProcessing","single":[],"pair":[],"special_tokens":{}})")}) {
    EXPECT_THAT(Refusal(with(R"({"type":"Sequence","processors":[)" + bert + "," + second + "]}")),
                HasSubstr("a second post-processor that adds tokens"));
  }
}

// The ids were recorded from Hugging Face tokenizers with the demo base's tokenizer.
TEST(RealTokenizers, BloomNanoIsReadAndComesBackToTheText) {
  const auto tokenizer =
      Tokenizer::FromFile(LACOS_SOURCE_DIR "/examples/bloom-nano/tokenizer.json");
  EXPECT_EQ(tokenizer->VocabularySize(), 12288);
  EXPECT_EQ(tokenizer->TokenId("</s>"), 2);
  for (const std::string text :
       {"Hello world", " Hello  world!!", "猫坐在垫子上。", "a (b) c\t\nd", "👍🏽"}) {
    EXPECT_EQ(tokenizer->Decode(Ids(*tokenizer, text), false), text);
  }
  EXPECT_EQ(Ids(*tokenizer, "hi you"), (std::vector<int32_t>{7283, 421}));
}

}  // namespace
}  // namespace lacos
