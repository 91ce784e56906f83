// Additions to a text: prompts that are part of the pooling or not, and tokens that
// truncation keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/sentence_encoder.h"
#include "lacos/text/byte_tokenizer.h"
#include "lacos/text/tokenize.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PromptTest : public ::testing::Test {
 protected:
  PromptTest() {
    WriteModel(folder_.path(), MakeTinyModel());
    WriteText(folder_ / "tokenizer.json", ByteTokenizerJson().Dump());
    loaded_ = LoadModel(folder_.path(), "", "");
  }
  std::vector<int32_t> Ids(const std::string& text, const TokenizeOptions& options = {}) {
    return TokenizeText(*loaded_.tokenizer, text, options).ids;
  }

  TestFolder folder_;
  LoadedModel loaded_;
};

// Pools rows [begin, end) of hidden [T, D] in double; weights depend on the number of the row.
std::vector<double> PoolRows(const std::vector<float>& hidden, int64_t d, int64_t begin,
                             int64_t end, Pooling pooling) {
  std::vector<double> result(static_cast<size_t>(d), 0.0);
  if (begin >= end) return result;
  double weights = 0;
  for (int64_t t = begin; t < end; ++t)
    weights += pooling == Pooling::kWeightedMean ? static_cast<double>(t + 1) : 1.0;
  for (int64_t j = 0; j < d; ++j) {
    double sum = 0, largest = -INFINITY;
    for (int64_t t = begin; t < end; ++t) {
      const double value = hidden[t * d + j];
      sum += value * (pooling == Pooling::kWeightedMean ? static_cast<double>(t + 1) : 1.0);
      largest = std::max(largest, value);
    }
    result[j] = pooling == Pooling::kCls           ? hidden[begin * d + j]
                : pooling == Pooling::kLast        ? hidden[(end - 1) * d + j]
                : pooling == Pooling::kMax         ? largest
                : pooling == Pooling::kMeanSqrtLen ? sum / std::sqrt(weights)
                                                   : sum / weights;
  }
  return result;
}

TEST_F(PromptTest, APromptCanBeLeftOutOfEveryPooling) {
  const std::string prompt = "query: ";
  const std::vector<std::string> texts = {"a longer text than its neighbours", "b", "", "cde"};
  const std::unique_ptr<Backend> backend = MakeCpuBackend({.compute = Compute::kF32});
  BloomModel model(*backend, loaded_.base_weights);
  const int64_t d = model.config().hidden_size;
  const auto skipped = static_cast<int64_t>(Ids(prompt).size());
  ASSERT_GT(skipped, 1);
  for (const Pooling pooling : {Pooling::kMean, Pooling::kWeightedMean, Pooling::kLast,
                                Pooling::kCls, Pooling::kMax, Pooling::kMeanSqrtLen}) {
    Encoder encoder(model, {.pooling = pooling, .dropout = {}});
    TextEncoder text_encoder(encoder, *loaded_.tokenizer, {.tokenize = {}, .pool_prompt = false});
    std::vector<float> out(texts.size() * static_cast<size_t>(d));
    text_encoder.Encode(texts, prompt, out);
    for (size_t n = 0; n < texts.size(); ++n) {
      PackedTexts one;
      one.Add(Ids(prompt + texts[n]));
      const ArenaScope scope(encoder.arena());
      const TensorView hidden =
          encoder.arena().Allocate(backend->Types().residual, {one.Tokens(), d});
      encoder.HiddenStates(one, hidden);
      const std::vector<float> states = DownloadFloats(*backend, hidden);
      // A text that is only the prompt gives zeros, but under kCls its first token.
      const bool is_whole = pooling == Pooling::kCls && one.Tokens() <= skipped;
      const std::vector<double> expected =
          PoolRows(states, d, is_whole ? 0 : skipped, one.Tokens(), pooling);
      double largest = 0;
      for (const float value : states)
        largest = std::max(largest, std::fabs(static_cast<double>(value)));
      // The tolerance is that of a sum of T terms in float, which the mixture for the weighted mean
      // scales once more.
      const double tolerance = 2.0 * static_cast<double>(one.Tokens() + 2) * 0x1p-24 * largest *
                               (pooling == Pooling::kMeanSqrtLen ? std::sqrt(one.Tokens()) : 1.0);
      for (int64_t j = 0; j < d; ++j)
        ASSERT_NEAR(out[n * d + j], expected[j], tolerance) << Name(pooling) << " text " << n;
    }
    // If there is no prompt, nothing is left out.
    TextEncoder plain(encoder, *loaded_.tokenizer, {.tokenize = {}});
    std::vector<float> same(out.size());
    text_encoder.Encode(texts, "", out);
    plain.Encode(texts, "", same);
    EXPECT_EQ(out, same);
  }
}

TEST_F(PromptTest, WhatGoesAroundATextSurvivesTruncation) {
  const std::vector<int32_t> text = Ids("abcdef");
  ASSERT_EQ(text.size(), 6u);
  TokenizeOptions options{.max_length = 5, .before = {7}, .after = {8, 9}};
  TokenizedText result = TokenizeText(*loaded_.tokenizer, "abcdef", options);
  EXPECT_THAT(result.ids, ElementsAre(7, text[0], text[1], 8, 9));
  EXPECT_TRUE(result.truncated);
  options.max_length = 9;
  result = TokenizeText(*loaded_.tokenizer, "abcdef", options);
  EXPECT_EQ(result.ids.size(), 9u);
  EXPECT_FALSE(result.truncated);
}

TEST_F(PromptTest, AnEmbedderPutsTokensAroundEveryText) {
  const auto encode = [&](const SentenceEncoderOptions& options, const std::string& text) {
    const SentenceEncoder embedder(options);
    std::vector<float> out(static_cast<size_t>(embedder.dimension()));
    embedder.text_encoder().Encode(std::vector<std::string>{text}, "", out);
    return out;
  };
  const SentenceEncoderOptions plain{
      .path = folder_.path(), .compute = Compute::kF32, .pooling = Pooling::kLast};
  SentenceEncoderOptions around = plain;
  around.prefix = "<";
  around.suffix = ">";
  // With one token per byte, the tokens of parts are the tokens of the whole.
  EXPECT_EQ(encode(around, "text"), encode(plain, "<text>"));
  around.max_length = 4;
  EXPECT_EQ(encode(around, "text"), encode(plain, "<te>"));
  around.max_length = 2;
  EXPECT_THAT(ErrorOf([&] { SentenceEncoder{around}; }),
              HasSubstr("[`max_length`] is 2, and 2 tokens are put around every text"));
}

}  // namespace
}  // namespace lacos
