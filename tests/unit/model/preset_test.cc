// Presets: what goes around queries and documents of published models.
#include "lacos/model/preset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/model/sentence_encoder.h"
#include "lacos/text/byte_tokenizer.h"
#include "lacos/text/tokenize.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

class PresetTest : public ::testing::Test {
 protected:
  PresetTest() {
    WriteModel(folder_.path(), MakeTinyModel());
    WriteText(folder_ / "tokenizer.json", ByteTokenizerJson().Dump());
  }
  SentenceEncoderOptions Plain(Pooling pooling) {
    return {.path = folder_.path(), .compute = Compute::kF32, .pooling = pooling};
  }
  SentenceEncoderOptions With(Preset preset) {
    return {.path = folder_.path(), .compute = Compute::kF32, .preset = preset};
  }
  static std::vector<float> Encode(SentenceEncoder& encoder, const std::string& text,
                                   const TextPrompt& prompt = "") {
    std::vector<float> out(static_cast<size_t>(encoder.dimension()));
    encoder.Encode(std::vector<std::string>{text}, prompt, out);
    return out;
  }

  TestFolder folder_;
};

TEST_F(PresetTest, BracketsOfSgptAreAroundQueriesAndDocuments) {
  SentenceEncoder encoder(With(Preset::kSgptBloom));
  SentenceEncoder plain(Plain(Pooling::kWeightedMean));
  EXPECT_EQ(encoder.max_length(), 300);
  EXPECT_EQ(encoder.similarity(), Similarity::kCosine);
  const RolePrompts prompts = FolderPrompts(encoder.folder().settings);
  // With one token per byte, the tokens of parts are the tokens of the whole.
  EXPECT_EQ(Encode(encoder, "text", prompts.query), Encode(plain, "[text]"));
  EXPECT_EQ(Encode(encoder, "text", prompts.document), Encode(plain, "{text}"));
  EXPECT_EQ(Encode(encoder, "text", prompts.plain), Encode(plain, "text"));
  EXPECT_EQ(Encode(encoder, "text", ResolvePrompt(encoder.folder().settings, "", "query")),
            Encode(plain, "[text]"));
}

TEST_F(PresetTest, TokensAroundATextAreNeverCutOff) {
  SentenceEncoder encoder(With(Preset::kSgptBloom)), plain(Plain(Pooling::kWeightedMean));
  const RolePrompts prompts = FolderPrompts(encoder.folder().settings);
  EXPECT_EQ(Encode(encoder, std::string(400, 'a'), prompts.query),
            Encode(plain, "[" + std::string(298, 'a') + "]"));
  SentenceEncoderOptions options = With(Preset::kSgptBloom);
  options.max_length = 4;
  SentenceEncoder shorter(options);
  EXPECT_EQ(Encode(shorter, "text", prompts.query), Encode(plain, "[te]"));
}

TEST_F(PresetTest, OptionsWinOverAPreset) {
  SentenceEncoderOptions options = With(Preset::kSgptBloom);
  options.pooling = Pooling::kMax;
  options.prefix = "<";
  SentenceEncoder encoder(options), plain(Plain(Pooling::kMax));
  EXPECT_EQ(Encode(encoder, "a", FolderPrompts(encoder.folder().settings).query),
            Encode(plain, "<[a]"));
}

TEST_F(PresetTest, ATokenizerWithoutTheTokensIsRefused) {
  EXPECT_THAT(ErrorOf([&] { SentenceEncoder{With(Preset::kUdever)}; }),
              HasSubstr("[`preset`] udever puts '[BOQ]' around texts, which is 5 tokens"));
}

TEST_F(PresetTest, AddedTokensOfUdeverAreAroundTextsAndTheLastOneIsTheVector) {
  // The byte tokenizer with four more tokens, of which each takes the place of an unused byte.
  Json tokenizer = ByteTokenizerJson();
  Json added = tokenizer.At("added_tokens");
  Json changed = Json::Array();
  added.ForEachElement([&](const Json& token) { changed.Append(token); });
  Json model = tokenizer.At("model"), vocabulary = Json::Object();
  const std::vector<std::string> names = {"[BOQ]", "[EOQ]", "[BOD]", "[EOD]"};
  const int64_t first = kByteTokenizerSize - 4;
  model.At("vocab").ForEachItem([&](std::string_view name, const Json& id) {
    if (id.AsInt() < first) vocabulary.Set(std::string(name), id);
  });
  for (size_t i = 0; i < names.size(); ++i) {
    vocabulary.Set(names[i], first + static_cast<int64_t>(i));
    Json token = added[0];
    token.Set("id", first + static_cast<int64_t>(i));
    token.Set("content", names[i]);
    changed.Append(token);
  }
  model.Set("vocab", vocabulary);
  tokenizer.Set("model", model);
  tokenizer.Set("added_tokens", changed);
  WriteText(folder_ / "tokenizer.json", tokenizer.Dump());

  SentenceEncoder encoder(With(Preset::kUdever)), plain(Plain(Pooling::kLast));
  const RolePrompts prompts = FolderPrompts(encoder.folder().settings);
  EXPECT_EQ(encoder.max_length(), 300);
  EXPECT_EQ(Encode(encoder, "text", prompts.query), Encode(plain, "[BOQ]text[EOQ]"));
  EXPECT_EQ(Encode(encoder, "text", prompts.document), Encode(plain, "[BOD]text[EOD]"));
  EXPECT_EQ(Encode(encoder, "text", prompts.plain), Encode(plain, "[BOQ]text[EOQ]"));
}

TEST_F(PresetTest, RetrieversOfBloomzPoolTheLastToken) {
  SentenceEncoder one(With(Preset::kBloomzRetriever)), two(With(Preset::kBloomzRetrieverV2)),
      plain(Plain(Pooling::kLast));
  EXPECT_EQ(one.similarity(), Similarity::kEuclidean);
  EXPECT_EQ(two.similarity(), Similarity::kCosine);
  EXPECT_EQ(Encode(one, "text", FolderPrompts(one.folder().settings).query), Encode(plain, "text"));
}

TEST(TextPromptTest, DifferentInputsHaveDifferentKeys) {
  const TextPrompt query("", {.before = "[", .after = "]"});
  EXPECT_EQ(TextPrompt("a: ").Key("b"), "a: b");
  EXPECT_NE(query.Key("b"), TextPrompt("").Key("b"));
  EXPECT_NE(query.Key("b"), TextPrompt("", {.before = "[]", .after = ""}).Key("b"));
  EXPECT_NE(query.Key("b"), TextPrompt("[").Key("b]"));
}

}  // namespace
}  // namespace lacos
