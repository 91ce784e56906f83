// What one cell of a sweep is made with: every setting that a recipe may give or vary, listed once.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/train/trainer.h"

namespace lacos {

// Names are those of `lacos train`'s flags with underscores. Defaults are those of the flags, but
// for lora_alpha.
struct CellSettings {
  std::string base;                   // a name of the recipe's [bases]; empty: the only one
  int64_t layers = 0;                 // its lowest layers that are used; 0 = all
  std::string quantization = "none";  // "none": as the base is; "linear/row", "dynamic/256", ...
  std::string compute = "bf16";
  std::string data;  // a name of [data]; empty: the only one
  double data_fraction = 1;
  std::string loss = "mnr";
  double scale = 20, margin = 5;
  bool symmetric = false, hard_negatives = false;
  int64_t lora_rank = 8;
  // 0 = twice the rank, so that the update's scale stays when the rank varies
  double lora_alpha = 0;
  std::vector<std::string> lora_target = {"query_key_value"};
  bool train_biases = false;
  double dropout = -1;  // -1 = 0, for unlabelled text 0.1
  std::string pooling = "mean";
  bool normalize = false, strip = false;
  int64_t max_length = 75;
  double epochs = 1;
  int64_t max_steps = 0, batch_size = 128;
  std::string optimizer = "adam8", schedule = "linear";
  double learning_rate = 2e-4, weight_decay = 0, warmup_ratio = 0.1, max_grad_norm = 1;

  bool operator==(const CellSettings&) const = default;
};

// A value as a recipe writes it.
using SettingValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

// Names of all settings, in the order of the struct.
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

Compute ComputeOf(const CellSettings& settings);

// A run of `lacos train` with these settings on the given base folder and files; its output is left
// empty.
TrainOptions MakeCellTrainOptions(const CellSettings& settings, uint64_t seed,
                                  const std::string& base, const std::vector<std::string>& files);

}  // namespace lacos
