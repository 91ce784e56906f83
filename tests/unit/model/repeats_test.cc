// Equal texts are found and encoded once, and the vectors are the same as without this.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/kernels/make_backend.h"
#include "lacos/model/repeats.h"
#include "lacos/model/text_encoder.h"
#include "lacos/text/byte_tokenizer.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;

TEST(Repeats, AreTextsOfEqualIdsAndNothingElse) {
  PackedTexts texts;
  const std::vector<std::vector<int32_t>> all = {{1, 2}, {1}, {2}, {1, 2}, {}, {1, 2, 0}, {1}, {}};
  for (const std::vector<int32_t>& text : all) texts.Add(text);
  const Repeats repeats = FindRepeats(texts);
  EXPECT_THAT(repeats.first, ElementsAre(0, 1, 2, 4, 5));
  EXPECT_THAT(repeats.text, ElementsAre(0, 1, 2, 0, 3, 4, 1, 3));
  EXPECT_TRUE(repeats.Any());
  const PackedTexts distinct = texts.Select(repeats.first);
  EXPECT_FALSE(FindRepeats(distinct).Any());
  EXPECT_THAT(distinct.ids, ElementsAre(1, 2, 1, 2, 1, 2, 0));
  EXPECT_THAT(distinct.offsets, ElementsAre(0, 2, 3, 4, 4, 7));
}

TEST(Repeats, OfDifferentAdaptersAreNone) {
  PackedTexts texts;
  texts.Add(std::vector<int32_t>{1, 2}, 1);
  texts.Add(std::vector<int32_t>{1, 2});
  texts.Add(std::vector<int32_t>{1, 2}, kNoAdapter);
  texts.Add(std::vector<int32_t>{1, 2}, 1);
  texts.Add({}, 1);
  texts.Add({}, kNoAdapter);
  const Repeats repeats = FindRepeats(texts);
  EXPECT_THAT(repeats.first, ElementsAre(0, 1, 2, 4, 5));
  EXPECT_THAT(repeats.text, ElementsAre(0, 1, 2, 0, 3, 4));
  EXPECT_FALSE(FindRepeats(texts.Select(repeats.first)).Any());
}

TEST(Repeats, AreEncodedOnceWithTheBytesOfATextAlone) {
  const TestFolder folder;
  WriteModel(folder.path(), MakeTinyModel());
  WriteText(folder / "tokenizer.json", ByteTokenizerJson().Dump());
  const LoadedModel loaded = LoadModel(folder.path(), "", "");
  const std::string long_text(40, 'x');
  // Texts that are equal within a batch, across batches, when empty, and only after truncation.
  const std::vector<std::string> texts = {"one",           "two",   "one", "",
                                          long_text + "a", "three", "two", "",
                                          "one two",       "one",   "two", long_text + "b"};
  for (const Compute compute : {Compute::kF32, Compute::kBF16, Compute::kInt8}) {
    const std::unique_ptr<Backend> backend = MakeCpuBackend({.compute = compute});
    BloomModel model(*backend, loaded.base_weights);
    const auto d = static_cast<size_t>(model.config().hidden_size);
    for (const std::string prompt : {"", "q: "}) {
      Encoder encoder(model, {.pooling = Pooling::kWeightedMean});
      TextEncoder text_encoder(encoder, *loaded.tokenizer,
                               {.tokenize = {.max_length = 20},
                                .normalize = true,
                                .pool_prompt = false,
                                .batch_tokens = 24});
      std::vector<float> together(texts.size() * d, 5.0f), alone(d);
      const EncodeStatistics statistics = text_encoder.Encode(texts, prompt, together);
      const int64_t computed = encoder.work().tokens;
      int64_t tokens = 0;
      for (size_t n = 0; n < texts.size(); ++n) {
        tokens += text_encoder.Encode(std::span(texts).subspan(n, 1), prompt, alone).tokens;
        EXPECT_EQ(alone, std::vector<float>(together.begin() + static_cast<int64_t>(n * d),
                                            together.begin() + static_cast<int64_t>((n + 1) * d)))
            << "text " << n << " after '" << prompt << "'";
      }
      const int64_t around = static_cast<int64_t>(prompt.size());
      EXPECT_EQ(statistics.tokens, tokens);
      EXPECT_EQ(statistics.truncated, 2);
      // The terms are "one", "two", "three", "one two", the long text, and a prompt without a text.
      EXPECT_EQ(statistics.computed_tokens, 3 + 3 + 5 + 7 + 4 * around + 20 + around);
      EXPECT_EQ(computed, statistics.computed_tokens);
    }
  }
}

}  // namespace
}  // namespace lacos
