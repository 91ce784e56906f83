// Adapters that other programs made. Those recorded from PEFT (tools/golden/make_adapter_golden.py)
// must give the same vectors and be written back for PEFT with the same bytes. Published ones,
// where the shared files have them, are read or refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "lacos/io/safetensors.h"
#include "lacos/model/sentence_encoder.h"
#include "shared_files.h"
#include "test_paths.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

const std::string kGolden = LACOS_SOURCE_DIR "/tests/golden/models/";
// Relative difference from float32 in PyTorch over two layers: the bound that docs/interop.md
// states for vectors.
constexpr double kTolerance = 1e-5;

std::vector<std::string> Texts() {
  std::vector<std::string> texts;
  Json::ReadFile(kGolden + "texts.json").At("encode").ForEachElement([&](const Json& text) {
    texts.push_back(text.AsString());
  });
  return texts;
}

std::vector<float> Floats(const TensorFile& file, const TensorEntry& entry) {
  std::vector<float> values(static_cast<size_t>(entry.Elements()));
  EXPECT_TRUE(DecodeToFloat(entry.dtype, file.Data(entry).data(), values.size(), values.data()));
  return values;
}

class AdapterGolden : public ::testing::TestWithParam<const char*> {
 protected:
  AdapterGolden() { EXPECT_TRUE(std::filesystem::exists(folder_)) << folder_; }
  const std::string folder_ = kGolden + "adapters/" + GetParam();
};

TEST_P(AdapterGolden, GivesPeftsVectors) {
  const std::vector<std::string> texts = Texts();
  ASSERT_EQ(texts.size(), 8u);
  SentenceEncoder embedder({.path = kGolden + "a", .adapter = folder_, .compute = Compute::kF32});
  std::vector<float> vectors(texts.size() * static_cast<size_t>(embedder.dimension()));
  embedder.Encode(texts, "", vectors);
  const SafetensorsFile file(kGolden + "adapters/expected.safetensors");
  const TensorEntry* entry = file.Find(GetParam());
  ASSERT_NE(entry, nullptr);
  const std::vector<float> expected = Floats(file, *entry);
  ASSERT_EQ(expected.size(), vectors.size());
  double difference = 0, largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference = std::max(difference, std::fabs(static_cast<double>(vectors[i]) - expected[i]));
    largest = std::max(largest, std::fabs(static_cast<double>(expected[i])));
  }
  EXPECT_LE(difference, kTolerance * largest);
  // The adapter contributes a large part of the result.
  SentenceEncoder plain({.path = kGolden + "a", .compute = Compute::kF32});
  std::vector<float> without(vectors.size());
  plain.Encode(texts, "", without);
  double moved = 0;
  for (size_t i = 0; i < expected.size(); ++i)
    moved = std::max(moved, std::fabs(static_cast<double>(without[i]) - expected[i]));
  EXPECT_GE(moved, 1000 * kTolerance * largest);
}

TEST_P(AdapterGolden, GoesBackToPeftWithTheSameBytes) {
  // The old form is converted, because no PEFT reads it today.
  if (std::string(GetParam()) == "merged_linear") return;
  const BloomConfig config = BaseWeights::Open(kGolden + "a")->config();
  const TestFolder again;
  WriteLoraAdapter(ReadLoraAdapter(folder_, config), again.path(), "base");
  const bool is_pickled = std::filesystem::exists(folder_ + "/adapter_model.bin");
  const auto before =
      OpenTensorFile(folder_ + (is_pickled ? "/adapter_model.bin" : "/adapter_model.safetensors"));
  const SafetensorsFile after(again / "adapter_model.safetensors");
  ASSERT_EQ(before->tensors().size(), after.tensors().size());
  for (const TensorEntry& entry : before->tensors()) {
    const TensorEntry* other = after.Find(entry.name);
    ASSERT_NE(other, nullptr) << entry.name;
    EXPECT_EQ(entry.dtype, other->dtype);
    EXPECT_EQ(entry.shape, other->shape);
    EXPECT_TRUE(std::ranges::equal(before->Data(entry), after.Data(*other))) << entry.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, AdapterGolden,
                         ::testing::Values("causal_bin", "lora_bias", "patterns", "merged_linear"),
                         [](const auto& info) { return std::string(info.param); });

// Adapters that people published for bloom-560m, kept outside the repository.
const std::string kPublished = SharedFile("data/weights/");
const BloomConfig kBloom560m{.hidden_size = 1024, .heads = 16, .layers = 24, .vocab_size = 250880};

TEST(PublishedAdapterTest, PeftAdaptersOfBloom560mAreRead) {
  for (const char* name :
       {"lora_bloom560m_oaast_zh", "lora_bloom560m_test2", "lora_bloomz560m_test3"}) {
    if (!std::filesystem::exists(kPublished + name))
      GTEST_SKIP() << kPublished << name << " is absent";
    const LoraAdapter adapter = ReadLoraAdapter(kPublished + name, kBloom560m);
    EXPECT_EQ(adapter.modules.size(), 24u);
    EXPECT_EQ(adapter.settings.targets, std::vector<std::string>{"query_key_value"});
    const LoraModule& module = adapter.modules.at("h.23.self_attention.query_key_value");
    EXPECT_EQ(module.a.shape, (std::vector<int64_t>{8, 1024}));
    EXPECT_EQ(module.scale, 2);
    EXPECT_EQ(module.dropout, 0.1);
  }
}

TEST(PublishedAdapterTest, TheOldMergedLinearFormIsConverted) {
  const std::string folder = kPublished + "lora_wujindou_bloom560m";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const LoraAdapter adapter = ReadLoraAdapter(folder, kBloom560m);
  EXPECT_EQ(adapter.modules.size(), 24u);
  EXPECT_EQ(adapter.settings.rank, 16);
  EXPECT_EQ(adapter.settings.alpha, 32);
  const LoraModule& module = adapter.modules.at("h.5.self_attention.query_key_value");
  EXPECT_EQ(module.scale, 2);
  EXPECT_EQ(module.b.shape, (std::vector<int64_t>{3072, 16}));
  // The middle third of the rows belongs to k, which the adapter does not change. Each of the outer
  // thirds uses one half of A.
  const auto sum = [&](int64_t row, int64_t begin) {
    double total = 0;
    for (int64_t j = begin; j < begin + 8; ++j) total += std::fabs(module.b.values[row * 16 + j]);
    return total;
  };
  EXPECT_GT(sum(3, 0), 0);
  EXPECT_EQ(sum(3, 8), 0);
  EXPECT_EQ(sum(1500, 0) + sum(1500, 8), 0);
  EXPECT_EQ(sum(3000, 0), 0);
  EXPECT_GT(sum(3000, 8), 0);
}

TEST(PublishedAdapterTest, ALogWithoutWeightsIsNamed) {
  const std::string folder = kPublished + "dreamqin68_bloom560m_lora_log_only";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  EXPECT_THAT(ErrorOf([&] { ReadLoraAdapter(folder, kBloom560m); }),
              HasSubstr("neither adapter_model.safetensors"));
}

TEST(PublishedAdapterTest, GoldenAdaptersThatPeftWroteAreRead) {
  const std::string root = LACOS_SOURCE_DIR "/tests/golden/models/";
  if (!std::filesystem::exists(root + "train/b_all")) GTEST_SKIP() << root << " is absent";
  const auto base_weights = BaseWeights::Open(root + "b");
  EXPECT_EQ(ReadLoraAdapter(root + "train/b_all", base_weights->config()).modules.size(), 8u);
  EXPECT_EQ(ReadLoraAdapter(root + "train/b_qkv_r32", base_weights->config()).settings.rank, 32);
}

}  // namespace
}  // namespace lacos
