// Random BLOOM folders: the distribution of their weights, their files, and what is refused.
#include "lacos/convert/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "lacos/base/parallel.h"
#include "lacos/convert/random_weights.h"
#include "lacos/io/manifest.h"
#include "lacos/quant/code.h"
#include "lacos/text/tokenizer.h"
#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json MinimalConfig(int64_t vocabulary = 5000) {
  Json json = Json::Object();
  json.Set("hidden_size", 64);
  json.Set("n_head", 4);
  json.Set("n_layer", 2);
  json.Set("vocab_size", vocabulary);
  return json;
}

TEST(InitTest, WeightsAreNormalAndVectorsNeutral) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    const TestFolder folder;
    InitFolder(MinimalConfig(), folder / "m", {.dtype = dtype});
    const auto base_weights = BaseWeights::Open(folder / "m");
    for (const TensorSpec& spec : ListTensors(base_weights->config())) {
      if (!spec.IsMatrix()) {
        const float expected =
            spec.kind == "layernorm" && spec.name.ends_with(".weight") ? 1.0f : 0.0f;
        for (const float value : base_weights->Vector(spec.name))
          ASSERT_EQ(value, expected) << spec.name;
        continue;
      }
      const QuantizedMatrix matrix = base_weights->Matrix(spec.name);
      EXPECT_EQ(matrix.dtype, dtype);
      std::vector<float> values(static_cast<size_t>(matrix.rows * matrix.cols));
      Decode(matrix, 0, matrix.rows * matrix.cols, values.data());
      double sum = 0, squares = 0;
      for (const double value : values) {
        sum += value;
        squares += value * value;
      }
      const auto n = static_cast<double>(values.size());
      // The tolerance is five standard errors. The standard deviation of a sample has the
      // standard error sigma / sqrt(2 n). Rounding to BF16 adds a relative error below 2^-18 to
      // the variance.
      EXPECT_NEAR(sum / n, 0, 5 * 0.02 / std::sqrt(n)) << spec.name;
      EXPECT_NEAR(std::sqrt(squares / n), 0.02, 0.02 * (5 / std::sqrt(2 * n) + 1e-3)) << spec.name;
    }
    EXPECT_THAT(VerifyManifest(folder / "m"), IsEmpty());
  }
}

TEST(InitTest, TheTableHoldsTheQuantilesOfTheNormalDistribution) {
  const NormalTable table(DType::kF32, 1);
  std::vector<float> values(1 << 20);
  table.Fill(1, "x", 0, std::as_writable_bytes(std::span(values)));
  std::sort(values.begin(), values.end());
  // For 2^20 draws the median and the quartiles have the standard error sqrt(p (1 - p) / n) /
  // density, which is below 0.0014.
  EXPECT_NEAR(values[values.size() / 2], 0, 0.006);
  EXPECT_NEAR(values[values.size() / 4], -0.6744898, 0.007);
  EXPECT_NEAR(values[values.size() * 3 / 4], 0.6744898, 0.007);
  // The outermost quantile is the one of 1 - 2^-17.
  EXPECT_NEAR(values.back(), 4.3253, 1e-3);
  EXPECT_NEAR(values.front(), -4.3253, 1e-3);
}

TEST(InitTest, SlicesOfATensorAreItsValues) {
  const NormalTable table(DType::kBF16, 0.02);
  std::vector<std::byte> all(1000 * 2), part(101 * 2);
  table.Fill(9, "t", 0, all);
  table.Fill(9, "t", 96, part);
  EXPECT_EQ(std::memcmp(all.data() + 96 * 2, part.data(), part.size()), 0);
  std::vector<int8_t> codes(1000), some(77);
  FillCodes(9, "t", 0, codes);
  FillCodes(9, "t", 160, some);
  EXPECT_TRUE(std::equal(some.begin(), some.end(), codes.begin() + 160));
  EXPECT_EQ(std::count(codes.begin(), codes.end(), -128), 0);
}

TEST(InitTest, BytesDependOnTheSeedOnly) {
  const TestFolder folder;
  const int threads = ThreadCount();
  InitFolder(MinimalConfig(), folder / "a", {});
  SetThreadCount(1);
  InitFolder(MinimalConfig(), folder / "b", {});
  SetThreadCount(threads);
  InitFolder(MinimalConfig(), folder / "c", {.seed = 43});
  EXPECT_EQ(ReadText(folder / "a/model.safetensors"), ReadText(folder / "b/model.safetensors"));
  EXPECT_NE(ReadText(folder / "a/model.safetensors"), ReadText(folder / "c/model.safetensors"));
}

TEST(InitTest, QuantizedFoldersCoverTheRangeOfCodes) {
  const TestFolder folder;
  InitFolder(MinimalConfig(), folder / "m", {.quantized = true});
  const auto base_weights = BaseWeights::Open(folder / "m");
  EXPECT_EQ(base_weights->quantization().scheme, QuantScheme::kLinear);
  for (const TensorSpec& spec : ListTensors(base_weights->config())) {
    if (!spec.IsMatrix()) continue;
    const QuantizedMatrix matrix = base_weights->Matrix(spec.name);
    ASSERT_TRUE(matrix.RowWise());
    const auto* codes = reinterpret_cast<const int8_t*>(matrix.codes);
    double squares = 0;
    bool high = false, low = false;
    for (int64_t row = 0; row < matrix.rows; ++row) {
      int largest = 0;
      for (int64_t i = row * matrix.cols; i < (row + 1) * matrix.cols; ++i) {
        largest = std::max(largest, std::abs(static_cast<int>(codes[i])));
        high |= codes[i] == 127;
        low |= codes[i] == -127;
        squares += std::pow(codes[i] * matrix.absmax[row] / 127.0, 2);
      }
      ASSERT_EQ(largest, 127) << spec.name << " row " << row;
    }
    EXPECT_TRUE(high && low);
    // The fourth moment of uniform codes gives a standard error of 0.45 / sqrt(n). One extreme code
    // in 64 adds up to 1.6 %.
    const auto n = static_cast<double>(matrix.rows * matrix.cols);
    EXPECT_NEAR(std::sqrt(squares / n), 0.02, 0.02 * (5 * 0.45 / std::sqrt(n) + 0.025))
        << spec.name;
  }
}

TEST(InitTest, TheByteTokenizerEncodesEveryText) {
  const TestFolder folder;
  InitFolder(MinimalConfig(260), folder / "m", {});
  const auto tokenizer = Tokenizer::FromFile(folder / "m/tokenizer.json");
  EXPECT_EQ(tokenizer->VocabularySize(), 260);
  EXPECT_EQ(tokenizer->TokenId("<pad>"), 3);
  const std::string text = "Grüße, 世界! \t\n\x01 fin";
  std::vector<int32_t> ids;
  tokenizer->Encode(text, ids);
  EXPECT_EQ(ids.size(), text.size());
  EXPECT_EQ(tokenizer->Decode(ids, false), text);
}

TEST(InitTest, ConfigsAreCompletedAndChecked) {
  const TestFolder folder;
  Json config = Json::Parse(
      R"({"n_embed": 64, "num_attention_heads": 4, "num_hidden_layers": 1, "vocab_size": 300,
      "layer_norm_epsilon": 1e-6, "torch_dtype": "float16", "quantization": {"scheme": "linear", "block_size": "row"}})",
      "config");
  InitFolder(config, folder / "m", {.dtype = DType::kF32});
  const Json written = Json::ReadFile(folder / "m/config.json");
  EXPECT_EQ(written.At("torch_dtype").AsString(), "float32");
  EXPECT_EQ(written.At("model_type").AsString(), "bloom");
  EXPECT_FALSE(written.Has("hidden_size"));
  EXPECT_EQ(BaseWeights::Open(folder / "m")->config().layer_norm_epsilon, 1e-6);

  EXPECT_THAT(ErrorOf([&] { InitFolder(MinimalConfig(259), folder / "n", {}); }),
              HasSubstr("260 ids"));
  EXPECT_THAT(ErrorOf([&] { InitFolder(MinimalConfig(), folder / "m", {}); }),
              HasSubstr("`overwrite`"));
  EXPECT_THAT(ErrorOf([&] { InitFolder(MinimalConfig(), folder / "n", {.dtype = DType::kI8}); }),
              HasSubstr("I8"));
  EXPECT_FALSE(std::filesystem::exists(folder / "n"));
}

TEST(InitTest, AGivenTokenizerIsCopiedAndMustFit) {
  const TestFolder folder;
  InitFolder(MinimalConfig(260), folder / "source", {});
  InitFolder(MinimalConfig(300), folder / "m", {.tokenizer = folder / "source/tokenizer.json"});
  EXPECT_EQ(ReadText(folder / "m/tokenizer.json"), ReadText(folder / "source/tokenizer.json"));
  EXPECT_TRUE(std::filesystem::exists(folder / "m/tokenizer_config.json"));
  EXPECT_THAT(ErrorOf([&] {
                InitFolder(MinimalConfig(259), folder / "n",
                           {.tokenizer = folder / "source/tokenizer.json"});
              }),
              HasSubstr("raise vocab_size"));
}

}  // namespace
}  // namespace lacos
