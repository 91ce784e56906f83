// config.json of BLOOM models: its spellings, its defaults, and what is refused.
#include "lacos/formats/bloom_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

BloomConfig Parse(const std::string& text) {
  return ParseBloomConfig(Json::Parse(text, "config.json"), "config.json");
}

TEST(BloomConfigTest, EverySpellingOfPublishedFoldersGivesTheSameConfig) {
  const char* spellings[] = {
      R"({"model_type": "bloom", "hidden_size": 1024, "n_head": 16, "n_layer": 24, "vocab_size": 250880})",
      R"({"model_type": "bloom", "n_embed": 1024, "num_attention_heads": 16, "n_layer": 24, "vocab_size": 250880,
          "seq_length": 2048, "torch_dtype": "float64"})",
      R"({"hidden_size": 1024, "n_embed": 1024, "n_head": 16, "num_hidden_layers": 24, "vocab_size": 250880, "n_inner": null,
          "dtype": "bfloat16", "layer_norm_epsilon": 1e-05})",
      R"({"architectures": ["BloomForSequenceClassification"], "n_embed": 1024, "hidden_size": null, "num_attention_heads": 16,
          "n_head": 16, "n_layer": 24, "num_hidden_layers": 24, "vocab_size": 250880, "seq_length": 4096, "dtype": null,
          "pretraining_tp": 4, "slow_but_exact": true, "bos_token_id": 50256, "eos_token_id": 50256})"};
  for (const char* text : spellings) {
    const BloomConfig config = Parse(text);
    EXPECT_EQ(config.hidden_size, 1024);
    EXPECT_EQ(config.heads, 16);
    EXPECT_EQ(config.layers, 24);
    EXPECT_EQ(config.head_dim(), 64);
    EXPECT_EQ(config.layer_norm_epsilon, 1e-5);
    EXPECT_FALSE(config.residual_from_layernorm);
  }
}

TEST(BloomConfigTest, ParametersAreThoseOfThePublishedModels) {
  const auto parameters = [](int64_t d, int64_t heads, int64_t layers) {
    return BloomConfig{.hidden_size = d, .heads = heads, .layers = layers, .vocab_size = 250880}
        .Parameters();
  };
  EXPECT_EQ(parameters(1024, 16, 24), 559214592);       // bloom-560m
  EXPECT_EQ(parameters(1536, 16, 24), 1065314304);      // bloom-1b1
  EXPECT_EQ(parameters(4096, 32, 30), 7069016064);      // bloom-7b1
  EXPECT_EQ(parameters(14336, 112, 70), 176247271424);  // bloom
}

TEST(BloomConfigTest, ListTensorsHoldsAllParameters) {
  const BloomConfig config{.hidden_size = 40, .heads = 5, .layers = 3, .vocab_size = 300};
  const std::vector<TensorSpec> list = ListTensors(config);
  EXPECT_EQ(list.size(), 5u + 12 * 3);
  int64_t parameters = 0;
  for (const TensorSpec& spec : list)
    parameters += spec.shape[0] * (spec.IsMatrix() ? spec.shape[1] : 1);
  EXPECT_EQ(parameters, config.Parameters());
}

TEST(BloomConfigTest, RoundTripsThroughJson) {
  const BloomConfig config{.hidden_size = 72,
                           .heads = 3,
                           .layers = 2,
                           .vocab_size = 300,
                           .layer_norm_epsilon = 1e-6,
                           .residual_from_layernorm = true};
  const BloomConfig again = ParseBloomConfig(BloomConfigToJson(config, "float32"), "x");
  EXPECT_EQ(again.hidden_size, 72);
  EXPECT_EQ(again.heads, 3);
  EXPECT_EQ(again.layers, 2);
  EXPECT_EQ(again.vocab_size, 300);
  EXPECT_EQ(again.layer_norm_epsilon, 1e-6);
  EXPECT_TRUE(again.residual_from_layernorm);
}

TEST(BloomConfigTest, WrongValuesAreNamed) {
  const auto error = [](const std::string& text) { return ErrorOf([&] { Parse(text); }); };
  EXPECT_THAT(error(R"({"model_type": "llama"})"), HasSubstr("model_type] found 'llama'"));
  EXPECT_THAT(error(R"({"n_head": 2, "n_layer": 1, "vocab_size": 9})"),
              HasSubstr("no hidden_size or n_embed"));
  EXPECT_THAT(
      error(R"({"hidden_size": 8, "n_embed": 16, "n_head": 2, "n_layer": 1, "vocab_size": 9})"),
      HasSubstr("hidden_size is 8"));
  EXPECT_THAT(
      error(
          R"({"hidden_size": 8, "n_head": 2, "num_attention_heads": 4, "n_layer": 1, "vocab_size": 9})"),
      HasSubstr("num_attention_heads] found 4 but n_head is 2"));
  EXPECT_THAT(
      error(
          R"({"hidden_size": 8, "n_head": 2, "n_layer": 1, "num_hidden_layers": 2, "vocab_size": 9})"),
      HasSubstr("num_hidden_layers] found 2 but n_layer is 1"));
  EXPECT_THAT(error(R"({"hidden_size": 9, "n_head": 2, "n_layer": 1, "vocab_size": 9})"),
              HasSubstr("divide"));
  EXPECT_THAT(
      error(R"({"hidden_size": 8, "n_head": 2, "n_layer": 1, "vocab_size": 9, "n_inner": 16})"),
      HasSubstr("n_inner] found 16"));
  EXPECT_THAT(error(R"({"hidden_size": 8, "n_head": 2, "n_layer": 0, "vocab_size": 9})"),
              HasSubstr("n_layer] found 0"));
  EXPECT_THAT(error(R"({"hidden_size": 8, "n_head": "2", "n_layer": 1, "vocab_size": 9})"),
              HasSubstr("n_head"));
  EXPECT_THAT(
      error(
          R"({"hidden_size": 8, "n_head": 2, "n_layer": 1, "vocab_size": 9, "layer_norm_epsilon": 0})"),
      HasSubstr("layer_norm_epsilon"));
  EXPECT_THAT(error("[]"), HasSubstr("no JSON object"));
}

}  // namespace
}  // namespace lacos
