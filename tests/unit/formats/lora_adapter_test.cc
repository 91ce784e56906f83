// The initial values of LoRA and BitFit adapters.
#include "lacos/formats/lora_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/formats/model_fixture.h"

namespace lacos {
namespace {

using ::testing::HasSubstr;

const BloomConfig kConfig{.hidden_size = 64, .heads = 4, .layers = 3, .vocab_size = 300};

TEST(InitializeLoraTest, AIsKaimingUniformAndBZero) {
  const LoraAdapter adapter = InitializeLora(
      kConfig, {.rank = 16, .alpha = 32, .dropout = 0.1, .targets = {"dense_4h_to_h"}}, 42);
  ASSERT_EQ(adapter.modules.size(), 3u);
  for (const auto& [name, module] : adapter.modules) {
    EXPECT_EQ(module.a.shape, (std::vector<int64_t>{16, 256}));
    EXPECT_EQ(module.b.shape, (std::vector<int64_t>{64, 16}));
    EXPECT_EQ(module.scale, 2);
    EXPECT_EQ(module.dropout, 0.1);
    const double bound = 1 / std::sqrt(256.0);
    double squares = 0, largest = 0;
    for (const double value : module.a.values) {
      squares += value * value;
      largest = std::max(largest, std::fabs(value));
    }
    EXPECT_LE(largest, bound);
    EXPECT_GT(largest, 0.99 * bound);  // the maximum of 4096 uniform values
    // The mean square of a uniform value is bound^2 / 3. Over 4096 values its standard error is 2 /
    // sqrt(5) / 64 of it, or 1.4 %.
    EXPECT_NEAR(squares / 4096, bound * bound / 3, 0.07 * bound * bound / 3);
    for (const float value : module.b.values) EXPECT_EQ(value, 0);
  }
}

TEST(InitializeLoraTest, AModulesValuesDoNotDependOnTheOthers) {
  const LoraAdapter one =
      InitializeLora(kConfig, {.targets = {"dense"}, .first_layer = 1, .last_layer = 1}, 42);
  const LoraAdapter all = InitializeLora(
      kConfig, {.targets = {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}}, 42);
  EXPECT_EQ(all.modules.size(), 12u);
  ASSERT_EQ(one.modules.size(), 1u);
  const auto& [name, module] = *one.modules.begin();
  EXPECT_EQ(name, "h.1.self_attention.dense");
  EXPECT_EQ(module.a.values, all.modules.at(name).a.values);
  EXPECT_NE(module.a.values, all.modules.at("h.2.self_attention.dense").a.values);
  EXPECT_NE(module.a.values,
            InitializeLora(kConfig, {.targets = {"dense"}}, 43).modules.at(name).a.values);
}

TEST(InitializeLoraTest, RankStabilisedScaleDividesByTheRoot) {
  const LoraAdapter adapter =
      InitializeLora(kConfig, {.rank = 16, .alpha = 8, .rank_stabilized = true}, 1);
  EXPECT_EQ(adapter.modules.begin()->second.scale, 2);
}

TEST(InitializeLoraTest, WrongSettingsAreNamed) {
  const auto error = [](const LoraSettings& settings) {
    return ErrorOf([&] { InitializeLora(kConfig, settings, 1); });
  };
  EXPECT_THAT(error({.rank = 0}), HasSubstr("rank is 0"));
  EXPECT_THAT(error({.rank = 65}), HasSubstr("`lora_rank` <= 64"));
  EXPECT_THAT(error({.alpha = 0}), HasSubstr("alpha is 0"));
  EXPECT_THAT(error({.dropout = 1}), HasSubstr("dropout is 1"));
  EXPECT_THAT(error({.targets = {"q_proj"}}), HasSubstr("'q_proj'"));
  EXPECT_THAT(error({.targets = {}}), HasSubstr("no target"));
  EXPECT_THAT(error({.first_layer = 2, .last_layer = 1}), HasSubstr("2 to 1"));
  EXPECT_THAT(error({.last_layer = 3}), HasSubstr("0 to 3"));
}

TEST(InitializeBitFitTest, StartsFromTheModelsOwnBiases) {
  const TestFolder folder;
  const TinyModel model = MakeTinyModel();
  WriteModel(folder.path(), model);
  const auto base_weights = BaseWeights::Open(folder.path());
  const LoraAdapter adapter = InitializeBitFit(*base_weights, {.train_biases = true});
  EXPECT_TRUE(adapter.modules.empty());
  EXPECT_EQ(adapter.biases.size(), 2u + 6 * 2);
  for (const auto& [name, bias] : adapter.biases)
    EXPECT_EQ(bias.values, model.values.at(name)) << name;
}

}  // namespace
}  // namespace lacos
