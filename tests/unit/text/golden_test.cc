// Token ids, offsets and decoded texts are those that Hugging Face tokenizers
// returned (tests/golden/tokenizer).
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/text/tokenizer.h"
#include "test_paths.h"

namespace lacos {
namespace {

const std::string kFolder = LACOS_SOURCE_DIR "/tests/golden/tokenizer/";

struct Case {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<std::pair<int64_t, int64_t>> offsets;
  std::string decoded, decoded_skip;
};

std::vector<Case> ReadCases(const std::string& name) {
  std::vector<Case> cases;
  std::ifstream file(kFolder + name + ".cases.jsonl");
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::Parse(line, name);
    Case c{.text = json.At("text").AsString(), .decoded = json.At("decoded").AsString()};
    c.decoded_skip = json.Has("decoded_skip") ? json.At("decoded_skip").AsString() : "";
    json.At("ids").ForEachElement(
        [&](const Json& id) { c.ids.push_back(static_cast<int32_t>(id.AsInt())); });
    const Json offsets = json.At("offsets");
    for (size_t i = 0; i < offsets.size(); i += 2)
      c.offsets.emplace_back(offsets[i].AsInt(), offsets[i + 1].AsInt());
    cases.push_back(std::move(c));
  }
  return cases;
}

class Golden : public testing::TestWithParam<const char*> {
 protected:
  const std::string name_ = GetParam();
  const std::unique_ptr<Tokenizer> tokenizer_ =
      Tokenizer::FromFile(kFolder + name_ + ".tokenizer.json");
  const std::vector<Case> cases_ = ReadCases(name_);
};

TEST_P(Golden, IdsAreThoseOfHuggingFaceTokenizers) {
  ASSERT_GE(cases_.size(), 70u);
  for (int pass = 0; pass < 2; ++pass) {  // the second pass finds its words in the cache
    for (const Case& c : cases_) {
      std::vector<int32_t> ids = {-7};
      tokenizer_->Encode(c.text, ids);
      EXPECT_EQ(ids, c.ids) << testing::PrintToString(c.text);
    }
  }
}

TEST_P(Golden, OffsetsAreThoseOfHuggingFaceTokenizers) {
  for (const Case& c : cases_) {
    const Encoding encoding = tokenizer_->EncodeWithOffsets(c.text);
    EXPECT_EQ(encoding.ids, c.ids) << testing::PrintToString(c.text);
    EXPECT_EQ(encoding.offsets, c.offsets) << testing::PrintToString(c.text);
  }
}

TEST_P(Golden, DecodesAsHuggingFaceTokenizersDoes) {
  for (const Case& c : cases_) {
    EXPECT_EQ(tokenizer_->Decode(c.ids, false), c.decoded) << testing::PrintToString(c.text);
    if (name_ == "bloom_added" || name_ == "gpt2_prefix" || name_ == "merged_next") {
      EXPECT_EQ(tokenizer_->Decode(c.ids, true), c.decoded_skip) << testing::PrintToString(c.text);
    }
  }
}

TEST_P(Golden, ThreadsSharingOneTokenizerGetTheSameIds) {
  std::vector<std::vector<std::vector<int32_t>>> found(
      4, std::vector<std::vector<int32_t>>(cases_.size()));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < found.size(); ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < cases_.size(); ++i) tokenizer_->Encode(cases_[i].text, found[t][i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < cases_.size(); ++i) {
    for (const auto& ids : found) EXPECT_EQ(ids[i], cases_[i].ids);
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Golden,
                         testing::Values("bloom", "bloom_added", "gpt2", "gpt2_prefix",
                                         "ignore_merges", "missing_dropped", "missing_unknown",
                                         "missing_fused", "llama3", "digits", "spelled",
                                         "merged_next", "kept", "removed"),
                         [](const auto& info) { return std::string(info.param); });

TEST(GoldenBloom, TextThatIsNotTrimmedDecodesToItself) {
  const auto tokenizer = Tokenizer::FromFile(kFolder + "bloom.tokenizer.json");
  for (const Case& c : ReadCases("bloom")) EXPECT_EQ(tokenizer->Decode(c.ids, false), c.text);
}

TEST(GoldenBloom, OneThreadMayUseTwoTokenizersInTurn) {
  const auto bloom = Tokenizer::FromFile(kFolder + "bloom.tokenizer.json");
  const auto gpt2 = Tokenizer::FromFile(kFolder + "gpt2.tokenizer.json");
  const std::vector<Case> bloom_cases = ReadCases("bloom"), gpt2_cases = ReadCases("gpt2");
  for (size_t i = 0; i < std::min(bloom_cases.size(), gpt2_cases.size()); ++i) {
    std::vector<int32_t> ids;
    bloom->Encode(bloom_cases[i].text, ids);
    EXPECT_EQ(ids, bloom_cases[i].ids);
    gpt2->Encode(gpt2_cases[i].text, ids);
    EXPECT_EQ(ids, gpt2_cases[i].ids);
  }
}

}  // namespace
}  // namespace lacos
