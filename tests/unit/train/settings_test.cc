// The list of settings: it is complete and has no duplicates, and run.json is derived from it.
#include "lacos/train/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "lacos/base/error.h"
#include "lacos/train/options.h"

namespace lacos {
namespace {

using testing::Contains;
using testing::Not;
using testing::Pair;

TEST(TrainSettings, EachNameAndPlaceOfASweepStandsInTheListOnce) {
  std::set<std::string_view> names;
  std::set<int> places;
  size_t in_sweeps = 0;
  for (const SettingInfo& info : AllSettings()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.help.empty()) << info.name;
    EXPECT_LE(info.low, info.high) << info.name;
    if (info.sweep_place == 0) continue;
    ++in_sweeps;
    places.insert(info.sweep_place);
  }
  EXPECT_EQ(places.size(), in_sweeps);
}

TEST(TrainSettings, OneKeyOfRunJsonHasOnePlaceAndOnlySettingsThatDecideTheResultHaveOne) {
  std::map<std::string_view, int> places;
  for (const SettingInfo& info : AllSettings()) {
    const SettingRecord& record = info.record;
    EXPECT_EQ(record.place > 0, !record.key.empty()) << info.name;
    if (record.place == 0) continue;
    EXPECT_EQ(info.effect, SettingEffect::kResult) << info.name;
    EXPECT_EQ(places.try_emplace(record.key, record.place).first->second, record.place)
        << info.name;
  }
}

TEST(TrainSettings, DefaultsLieInTheirRanges) {
  size_t fields = 0;
  TrainSettings().ForEachField([&](const SettingInfo& info, const auto& value) {
    ++fields;
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
      if (!info.default_text.empty()) return;  // the default is not a fixed value
      EXPECT_GE(static_cast<double>(value), info.low) << info.name;
      EXPECT_LE(static_cast<double>(value), info.high) << info.name;
    }
  });
  EXPECT_EQ(fields + 5, AllSettings().size());  // RunOptions has five settings
}

TEST(TrainSettings, SettingsOfOneKeyAreOneLine) {
  TrainSettings settings;
  EXPECT_THAT(Recipe(settings),
              Contains(Pair("LoRA", "rank 8, alpha 16, dropout 0, on query_key_value")));
  EXPECT_THAT(Recipe(settings), Contains(Pair("schedule", "linear, warm-up 0.1 of the steps")));
  EXPECT_THAT(Recipe(settings), Contains(Pair("epochs", "1")));
  settings.warmup_steps = 20;
  settings.max_steps = 300;
  settings.train_biases = true;
  EXPECT_THAT(Recipe(settings), Contains(Pair("schedule", "linear, warm-up 20 steps")));
  EXPECT_THAT(Recipe(settings), Contains(Pair("epochs", "300 steps")));
  EXPECT_THAT(Recipe(settings), Contains(Pair("trained", "biases (BitFit)")));
  EXPECT_THAT(Recipe(settings), Not(Contains(Pair("LoRA", testing::_))));
}

TEST(TrainSettings, ARecordedSettingIsFoundUnderItsNameAndItsKey) {
  const Json of_train = Json::Parse(R"({"objective": "softmax", "batch size": "4"})", "train");
  const Json of_sweep = Json::Parse(R"({"loss": "softmax", "batch_size": "4"})", "sweep");
  for (const Json& recorded : {of_train, of_sweep}) {
    EXPECT_EQ(FindRecorded(recorded, "loss")->AsString(), "softmax");
    EXPECT_EQ(FindRecorded(recorded, "batch_size")->AsString(), "4");
    EXPECT_FALSE(FindRecorded(recorded, "pooling"));
    EXPECT_FALSE(FindRecorded(recorded, "lora_rank"));  // only part of a recorded line
  }
}

TEST(TrainSettings, WhatIsLeftOpenComesFromTheFolderElseFromDefaults) {
  const BloomConfig config{.hidden_size = 48, .layers = 4};
  TrainSettings settings;
  settings.matryoshka = {16};
  settings.normalize = false;
  const TrainSettings found =
      Resolve(settings, {.pooling = Pooling::kLast, .normalize = true}, config);
  EXPECT_EQ(found.pooling, Pooling::kLast);
  EXPECT_EQ(found.normalize, false);
  EXPECT_EQ(found.max_length, 75);
  EXPECT_EQ(found.matryoshka, (std::vector<int64_t>{48, 16}));
  EXPECT_EQ(Resolve(found, {}, config), found);
}

TEST(TrainSettings, TheDefaultRateFallsWithTheWidthAndHasTwoDigits) {
  // The widths of the demo base, bloom-560m, 1b1, 1b7, 3b, 7b1 and BLOOM.
  const std::vector<std::pair<int64_t, double>> rates = {
      {256, 3.1e-3},  {1024, 7.8e-4}, {1536, 5.2e-4}, {2048, 3.9e-4},
      {2560, 3.1e-4}, {4096, 2.0e-4}, {14336, 5.6e-5}};
  for (const auto& [width, rate] : rates) {
    const TrainSettings found = Resolve({}, {}, {.hidden_size = width, .layers = 1});
    EXPECT_NEAR(*found.learning_rate, rate, 1e-12) << width;
    EXPECT_EQ(found.pooling, Pooling::kWeightedMean);
  }
  TrainSettings given;
  given.learning_rate = 0;
  EXPECT_EQ(Resolve(given, {}, {.hidden_size = 256, .layers = 1}).learning_rate, 0);
}

TEST(TrainSettings, APresetFillsInWhatIsNotGiven) {
  const BloomConfig config{.hidden_size = 1024, .layers = 4};
  TrainSettings settings;
  settings.preset = TrainPreset::kNli2023;
  const TrainSettings earlier = Resolve(settings, {}, config);
  EXPECT_EQ(earlier.pooling, Pooling::kMean);
  EXPECT_EQ(earlier.learning_rate, 2e-4);
  EXPECT_THAT(Recipe(earlier), Contains(Pair("learning rate", "0.0002")));
  settings.pooling = Pooling::kLast;
  settings.learning_rate = 1e-3;
  const TrainSettings found = Resolve(settings, {}, config);
  EXPECT_EQ(found.pooling, Pooling::kLast);
  EXPECT_EQ(found.learning_rate, 1e-3);
}

TEST(TrainSettings, LayersAreARangeOfTheModels) {
  const BloomConfig config{.hidden_size = 48, .layers = 4};
  TrainSettings settings;
  settings.lora_layers = "1-3";
  EXPECT_EQ(AdapterOf(Resolve(settings, {}, config)).first_layer, 1);
  EXPECT_EQ(AdapterOf(settings).last_layer, 3);
  settings.lora_layers = "2";
  EXPECT_EQ(AdapterOf(settings).last_layer, 2);
  for (const char* bad : {"1-4", "3-1", "-1", "1-", "x", "1-2-3", "1 "}) {
    settings.lora_layers = bad;
    EXPECT_THROW(Resolve(settings, {}, config), UserError) << bad;
  }
}

}  // namespace
}  // namespace lacos
