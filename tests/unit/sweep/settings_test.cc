// The settings of a sweep: which values they accept, and the training options they result in.
#include "lacos/sweep/settings.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lacos {
namespace {

TEST(SweepSettings, EverySettingHasATextAndSaysWhatItTakes) {
  const CellSettings settings;
  for (const std::string& name : SettingNames()) {
    EXPECT_FALSE(SettingExpected(name).empty()) << name;
    EXPECT_TRUE(SettingsJson(settings).Has(name)) << name;
  }
  EXPECT_EQ(SettingsJson(settings).Keys(), SettingNames());
}

TEST(SweepSettings, ValuesThatFitAreSetAndOthersAreNot) {
  CellSettings settings;
  EXPECT_EQ(SetSetting(settings, "lora_rank", int64_t{32}), "");
  EXPECT_EQ(settings.train.lora_rank, 32);
  EXPECT_EQ(SetSetting(settings, "epochs", int64_t{2}), "");  // whole numbers are numbers, too
  EXPECT_EQ(settings.train.epochs, 2);
  EXPECT_EQ(SetSetting(settings, "lora_target", std::string("dense")), "");
  EXPECT_EQ(SettingText(settings, "lora_target"), "dense");
  EXPECT_EQ(SetSetting(settings, "quantization", std::string("dynamic/256")), "");
  EXPECT_EQ(SetSetting(settings, "lora_rank", int64_t{0}), "found 0");
  EXPECT_EQ(SetSetting(settings, "lora_rank", 2.5), "found 2.5");
  EXPECT_EQ(SetSetting(settings, "compute", std::string("fp4")), "found 'fp4'");
  EXPECT_EQ(SetSetting(settings, "symmetric", int64_t{1}), "found 1");
  EXPECT_EQ(SetSetting(settings, "learning_rate", std::nan("")), "found nan");
  EXPECT_EQ(SetSetting(settings, "data_fraction", 0.0), "found 0");
  for (const char* bad : {"linear", "linear/63", "linear/96", "linear/8192", "int4/row",
                          "linear/row/2", "none/row"}) {
    EXPECT_NE(SetSetting(settings, "quantization", std::string(bad)), "") << bad;
  }
  EXPECT_EQ(settings.train.lora_rank, 32);
  EXPECT_EQ(settings.quantization, "dynamic/256");
}

TEST(SweepSettings, AlphaFollowsTheRankUnlessItIsGiven) {
  CellSettings settings;
  settings.train.lora_rank = 4;
  EXPECT_EQ(MakeCellTrainOptions(settings, 1, "", {}).settings.lora_alpha, 8);
  settings.train.lora_alpha = 5;
  EXPECT_EQ(MakeCellTrainOptions(settings, 1, "", {}).settings.lora_alpha, 5);
}

TEST(SweepSettings, TheSeedReachesEverythingRandom) {
  const TrainOptions options = MakeCellTrainOptions({}, 7, "base", {"file"});
  EXPECT_EQ(options.settings.seed, 7u);
  EXPECT_EQ(BatchesOf(options.settings).seed, 7u);
  EXPECT_EQ(ObjectiveOf(options.settings).seed, 7u);
}

TEST(SweepSettings, QuantizationIsTakenApart) {
  EXPECT_EQ(ParseQuantization("linear/row").block_size, 0);
  EXPECT_EQ(ParseQuantization("dynamic/256").block_size, 256);
  EXPECT_EQ(ParseQuantization("dynamic/256").scheme, QuantScheme::kDynamic);
}

}  // namespace
}  // namespace lacos
