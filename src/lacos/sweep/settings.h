// The settings of one cell of a sweep. Every setting that a recipe may give or vary is listed once.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/train/trainer.h"

namespace lacos {

// The settings that a recipe may give or vary: those of TrainSettings that have a
// `sweep_place`, and four that only sweeps have. Settings that a model's folder could decide
// have fixed defaults here.
struct CellSettings {
  CellSettings();

  std::string base;    // a name in the recipe's [bases]; empty = the only base
  int64_t layers = 0;  // number of the base's lowest layers that are used; 0 = all
  // "linear/row", "dynamic/256", ...; "none" = the base as it is.
  std::string quantization = "none";
  std::string data;  // a name in the recipe's [data]; empty = the only data
  // Here lora_alpha = 0 means twice the rank, so that the update's scale stays constant when the
  // rank varies.
  TrainSettings train;

  bool operator==(const CellSettings&) const = default;
};

// The value of a setting as written in a recipe.
using SettingValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

// The names of all settings, in the order in which recipes and JSON list them.
const std::vector<std::string>& SettingNames();
// The values that a setting allows, as text for messages and docs: "one of mnr, softmax, ...".
std::string SettingExpected(const std::string& name);
// Sets a setting. Returns an empty text on success, otherwise what is wrong with the value
// ("found 'x'"). `name` must be in SettingNames().
std::string SetSetting(CellSettings& settings, const std::string& name, const SettingValue& value);
// The value of a setting as text for readers and for cells'
// names: "8", "0.1", "query_key_value+dense".
std::string SettingText(const CellSettings& settings, const std::string& name);
// The value of a setting as a number; NaN when it is not a number.
double SettingNumber(const CellSettings& settings, const std::string& name);
// All settings with their values, in the order of SettingNames().
Json SettingsJson(const CellSettings& settings);

// The two parts of a quantization such as "linear/128".
struct QuantizationChoice {
  QuantScheme scheme = QuantScheme::kLinear;
  int64_t block_size = 0;  // 0 = one block for each row
};
// Parses a valid quantization, which must not be "none".
QuantizationChoice ParseQuantization(const std::string& quantization);

// The options of a `lacos train` run with these settings on the given base folder and files. The
// output is left empty.
TrainOptions MakeCellTrainOptions(const CellSettings& settings, uint64_t seed,
                                  const std::string& base, const std::vector<std::string>& files);

}  // namespace lacos
