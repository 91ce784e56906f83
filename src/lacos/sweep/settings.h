// What one cell of a sweep is made with: every setting that a recipe may give or vary, listed once.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/train/trainer.h"

namespace lacos {

// What a recipe may give or vary: the settings of TrainSettings that have a place in a sweep, with
// the values that a folder could decide fixed, and four of its own.
struct CellSettings {
  CellSettings();

  std::string base;                   // a name of the recipe's [bases]; empty: the only one
  int64_t layers = 0;                 // its lowest layers that are used; 0 = all
  std::string quantization = "none";  // "none": as the base is; "linear/row", "dynamic/256", ...
  std::string data;                   // a name of [data]; empty: the only one
  // lora_alpha is 0 here for twice the rank, so that the update's scale stays when the rank varies.
  TrainSettings train;

  bool operator==(const CellSettings&) const = default;
};

// A value as a recipe writes it.
using SettingValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

// Names of all settings, in the order of a recipe's table and of its JSON.
const std::vector<std::string>& SettingNames();
// What a setting takes, for messages and docs: "one of mnr, softmax, cosine, cosent, triplet".
std::string SettingExpected(const std::string& name);
// Sets one; returns an empty text, or what is wrong with the value ("found 'x'"). The name must be
// known.
std::string SetSetting(CellSettings& settings, const std::string& name, const SettingValue& value);
// A value for people and for cells' names: "8", "0.1", "query_key_value+dense".
std::string SettingText(const CellSettings& settings, const std::string& name);
// The setting as a number, for growth; NaN where it is none.
double SettingNumber(const CellSettings& settings, const std::string& name);
// All of them, in order.
Json SettingsJson(const CellSettings& settings);

// "linear/128" taken apart. `quantization` must not be "none".
struct QuantizationChoice {
  QuantScheme scheme = QuantScheme::kLinear;
  int64_t block_size = 0;  // 0 = one block a row
};
QuantizationChoice ParseQuantization(const std::string& quantization);

// A run of `lacos train` with these settings on the given base folder and files; its output is left
// empty.
TrainOptions MakeCellTrainOptions(const CellSettings& settings, uint64_t seed,
                                  const std::string& base, const std::vector<std::string>& files);

}  // namespace lacos
