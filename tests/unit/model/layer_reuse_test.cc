// The states of a batch come from the layer cache if it has them. The others are computed and added
// to it.
#include "lacos/model/layer_reuse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kWidth = 3;

// Replaces the frozen blocks: the state of a token is a function of its id and of its position in
// the text.
float StateOf(int32_t id, int64_t position, int64_t channel) {
  return static_cast<float>(100 * id + 10 * position + channel);
}

std::vector<float> StatesOf(const PackedTexts& texts) {
  std::vector<float> states;
  for (int64_t n = 0; n < texts.Texts(); ++n) {
    for (int64_t i = 0; i < std::ssize(texts.Text(n)); ++i) {
      for (int64_t c = 0; c < kWidth; ++c) states.push_back(StateOf(texts.Text(n)[i], i, c));
    }
  }
  return states;
}

PackedTexts TextsOf(const std::vector<std::vector<int32_t>>& all) {
  PackedTexts texts;
  for (const std::vector<int32_t>& text : all) texts.Add(text);
  return texts;
}

class LayerReuseTest : public ::testing::Test {
 protected:
  LayerReuseTest()
      : backend_(MakeCpuBackend({.compute = Compute::kF32})),
        arena_([this](size_t bytes) { return backend_->Allocate(bytes); }),
        cache_({.folder = folder_ / "cache", .tell = [this](const std::string&) { ++messages_; }},
               Json::Object(), kWidth * 4) {}

  // Returns the states of a batch and adds the texts that had to be computed to computed_.
  std::vector<float> Fill(const PackedTexts& texts) {
    const ArenaScope scope(arena_);
    const TensorView h = arena_.Allocate(DType::kF32, {texts.Tokens(), kWidth});
    backend_->Fill(h, -1);
    LayerReuse(*backend_, arena_, cache_)
        .Fill(texts, h, [&](const PackedTexts& some, const TensorView& states) {
          EXPECT_TRUE(&some == &texts || some.keys.empty()) << "nothing is dropped there";
          for (int64_t n = 0; n < some.Texts(); ++n) {
            computed_.emplace_back(some.Text(n).begin(), some.Text(n).end());
          }
          UploadFloats(*backend_, StatesOf(some), states);
        });
    return DownloadFloats(*backend_, h);
  }

  const TestFolder folder_;
  std::unique_ptr<Backend> backend_;
  Arena arena_;
  int messages_ = 0;
  LayerCache cache_;
  std::vector<std::vector<int32_t>> computed_;
};

TEST_F(LayerReuseTest, TheFirstBatchIsComputedAsItIsAndTheSecondReadsIt) {
  const PackedTexts texts = TextsOf({{1, 2, 3}, {}, {4}});
  EXPECT_EQ(Fill(texts), StatesOf(texts));
  EXPECT_THAT(computed_, ElementsAre(ElementsAre(1, 2, 3), IsEmpty(), ElementsAre(4)));
  EXPECT_EQ(cache_.texts(), 2) << "a text without tokens has no states";
  computed_.clear();
  EXPECT_EQ(Fill(texts), StatesOf(texts));
  EXPECT_THAT(computed_, IsEmpty());
  EXPECT_EQ(cache_.read_tokens(), 4);
}

TEST_F(LayerReuseTest, OnlyMissingTextsAreComputedAndEveryOneComesToItsPlace) {
  Fill(TextsOf({{1, 2, 3}, {5, 5}}));
  computed_.clear();
  // Missing texts lie before, between and after texts in the cache; the first of them is in its
  // final place already.
  PackedTexts texts = TextsOf({{7}, {1, 2, 3}, {8, 8, 8, 8}, {}, {5, 5}, {9, 1}});
  texts.keys.assign(static_cast<size_t>(texts.Tokens()), 1);
  EXPECT_EQ(Fill(texts), StatesOf(texts));
  EXPECT_THAT(computed_, ElementsAre(ElementsAre(7), ElementsAre(8, 8, 8, 8), ElementsAre(9, 1)));
  EXPECT_EQ(cache_.texts(), 5);
}

TEST_F(LayerReuseTest, ATextThatIsTwiceInABatchIsKeptOnce) {
  const PackedTexts texts = TextsOf({{1, 2}, {3}, {1, 2}});
  EXPECT_EQ(Fill(texts), StatesOf(texts));
  EXPECT_EQ(cache_.texts(), 2);
}

TEST_F(LayerReuseTest, DamagedStatesAreComputedAgainAndKept) {
  const PackedTexts texts = TextsOf({{1, 2, 3}, {4, 4}, {5}});
  Fill(texts);
  {
    std::fstream file(cache_.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(cache_.bytes() - 1);  // the last byte of one text's states
    const int last = file.peek();
    file.seekp(cache_.bytes() - 1);
    file.put(static_cast<char>(~last));
  }
  computed_.clear();
  EXPECT_EQ(Fill(texts), StatesOf(texts));
  EXPECT_EQ(computed_.size(), 1U);
  EXPECT_EQ(messages_, 1);
  EXPECT_EQ(Fill(texts), StatesOf(texts));
  EXPECT_EQ(computed_.size(), 1U) << "what was computed again was added again";
}

TEST_F(LayerReuseTest, TakesNoMemoryBesideTheBatchUnlessStatesAreDamaged) {
  Fill(TextsOf({{1, 2, 3}}));
  const PackedTexts texts = TextsOf({{6, 6}, {1, 2, 3}, {7, 7, 7}});
  Arena alone([this](size_t bytes) { return backend_->Allocate(bytes); });
  alone.Allocate(DType::kF32, {texts.Tokens(), kWidth});
  Fill(texts);
  EXPECT_EQ(arena_.HighWaterBytes(), alone.HighWaterBytes());
}

}  // namespace
}  // namespace lacos
