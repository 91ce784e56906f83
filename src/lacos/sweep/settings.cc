#include "lacos/sweep/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

#include "lacos/base/check.h"
#include "lacos/formats/model_folder.h"

namespace lacos {
namespace {

using Strings = std::vector<std::string>;

// A setting's name, and what it takes: one of `words`, or numbers from low to high, or anything.
struct Rule {
  const char* name;
  const char* what = "";
  Strings words = {};
  double low = -std::numeric_limits<double>::infinity(),
         high = std::numeric_limits<double>::infinity();
};

constexpr double kNone = std::numeric_limits<double>::infinity();

// The one list of settings: everything else walks it.
template <class S, class F>
void ForEachSetting(S& s, const F& f) {
  f(Rule{"base", "a name of [bases]"}, s.base);
  f(Rule{"layers", "", {}, 0, 1e6}, s.layers);
  f(Rule{"quantization",
         "none, linear/row, dynamic/row, or linear/N or dynamic/N with N a power of two from 64 to "
         "4096"},
    s.quantization);
  f(Rule{"compute", "", WordsOf<Compute>()}, s.compute);
  f(Rule{"data", "a name of [data]"}, s.data);
  f(Rule{"data_fraction", "", {}, 1e-9, 1}, s.data_fraction);
  f(Rule{"loss", "", WordsOf<LossKind>()}, s.loss);
  f(Rule{"scale", "", {}, 1e-6, 1e6}, s.scale);
  f(Rule{"margin", "", {}, 0, 1e6}, s.margin);
  f(Rule{"symmetric"}, s.symmetric);
  f(Rule{"hard_negatives"}, s.hard_negatives);
  f(Rule{"lora_rank", "", {}, 1, 65536}, s.lora_rank);
  f(Rule{"lora_alpha", "", {}, 0, 1e6}, s.lora_alpha);
  f(Rule{"lora_target", "", {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}},
    s.lora_target);
  f(Rule{"train_biases"}, s.train_biases);
  f(Rule{"dropout", "", {}, -1, 0.99}, s.dropout);
  f(Rule{"pooling", "", WordsOf<Pooling>()}, s.pooling);
  f(Rule{"normalize"}, s.normalize);
  f(Rule{"strip"}, s.strip);
  f(Rule{"max_length", "", {}, 1, INT32_MAX}, s.max_length);
  f(Rule{"epochs", "", {}, 1e-6, 1e6}, s.epochs);
  f(Rule{"max_steps", "", {}, 0, 1e15}, s.max_steps);
  f(Rule{"batch_size", "", {}, 2, 1 << 20}, s.batch_size);
  f(Rule{"optimizer", "", WordsOf<OptimizerKind>()}, s.optimizer);
  f(Rule{"schedule", "", WordsOf<ScheduleKind>()}, s.schedule);
  f(Rule{"learning_rate", "", {}, 0, 1e3}, s.learning_rate);
  f(Rule{"weight_decay", "", {}, 0, 1e3}, s.weight_decay);
  f(Rule{"warmup_ratio", "", {}, 0, 1}, s.warmup_ratio);
  f(Rule{"max_grad_norm", "", {}, 0, 1e9}, s.max_grad_norm);
}

template <class T>
std::string Expected(const Rule& rule, const T&) {
  if (*rule.what != 0) return rule.what;
  if (std::is_same_v<T, bool>) return "true or false";
  if (std::is_same_v<T, Strings>) return fmt::format("a list of {}", fmt::join(rule.words, ", "));
  if (!rule.words.empty()) return fmt::format("one of {}", fmt::join(rule.words, ", "));
  const char* kind = std::is_same_v<T, int64_t> ? "a whole number" : "a number";
  if (rule.high == kNone) return fmt::format("{} of at least {}", kind, rule.low);
  return fmt::format("{} from {} to {}", kind, rule.low, rule.high);
}

bool IsWord(const Rule& rule, const std::string& text) {
  return rule.words.empty() || std::ranges::find(rule.words, text) != rule.words.end();
}

std::string Show(const SettingValue& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, Strings>) {
          return fmt::format("[{}]", fmt::join(v, ", "));
        } else if constexpr (std::is_same_v<T, std::string>) {
          return fmt::format("'{}'", v);
        } else {
          return fmt::format("{}", v);
        }
      },
      value);
}

bool IsQuantization(const std::string& text) {
  if (text == "none") return true;
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string scheme = text.substr(0, slash), block = text.substr(slash + 1);
  if (Parse<QuantScheme>(scheme).value_or(QuantScheme::kNone) == QuantScheme::kNone) return false;
  if (block == "row") return true;
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(block.data(), block.data() + block.size(), n);
  return error == std::errc() && end == block.data() + block.size() && std::has_single_bit(n) &&
         n >= 64 && n <= 4096;
}

// Puts the value into the field where it fits.
bool Assign(const Rule& rule, const SettingValue& value, bool& field) {
  (void)rule;
  if (const bool* v = std::get_if<bool>(&value)) return field = *v, true;
  return false;
}
bool Assign(const Rule& rule, const SettingValue& value, int64_t& field) {
  const int64_t* v = std::get_if<int64_t>(&value);
  if (v == nullptr || static_cast<double>(*v) < rule.low || static_cast<double>(*v) > rule.high)
    return false;
  field = *v;
  return true;
}
bool Assign(const Rule& rule, const SettingValue& value, double& field) {
  double number = std::numeric_limits<double>::quiet_NaN();
  if (const double* v = std::get_if<double>(&value)) number = *v;
  if (const int64_t* v = std::get_if<int64_t>(&value)) number = static_cast<double>(*v);
  if (!std::isfinite(number) || number < rule.low || number > rule.high) return false;
  field = number;
  return true;
}
bool Assign(const Rule& rule, const SettingValue& value, std::string& field) {
  const std::string* v = std::get_if<std::string>(&value);
  if (v == nullptr || v->empty() || !IsWord(rule, *v)) return false;
  if (std::string(rule.name) == "quantization" && !IsQuantization(*v)) return false;
  field = *v;
  return true;
}
bool Assign(const Rule& rule, const SettingValue& value, Strings& field) {
  Strings list;
  if (const Strings* v = std::get_if<Strings>(&value)) list = *v;
  if (const std::string* v = std::get_if<std::string>(&value)) list = {*v};
  if (list.empty() ||
      !std::ranges::all_of(list, [&](const auto& word) { return IsWord(rule, word); }))
    return false;
  field = list;
  return true;
}

template <class T>
std::string Text(const T& value) {
  if constexpr (std::is_same_v<T, Strings>) {
    return fmt::format("{}", fmt::join(value, "+"));
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "yes" : "no";
  } else {
    return fmt::format("{}", value);
  }
}

}  // namespace

const std::vector<std::string>& SettingNames() {
  static const Strings names = [] {
    Strings list;
    const CellSettings settings;
    ForEachSetting(settings, [&](const Rule& rule, const auto&) { list.emplace_back(rule.name); });
    return list;
  }();
  return names;
}

std::string SettingExpected(const std::string& name) {
  std::string expected;
  const CellSettings settings;
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    if (name == rule.name) expected = Expected(rule, field);
  });
  return expected;
}

std::string SetSetting(CellSettings& settings, const std::string& name, const SettingValue& value) {
  bool known = false, fits = false;
  ForEachSetting(settings, [&](const Rule& rule, auto& field) {
    if (name != rule.name) return;
    known = true;
    fits = Assign(rule, value, field);
  });
  LACOS_CHECK(known, "the recipe refuses unknown settings");
  return fits ? "" : "found " + Show(value);
}

std::string SettingText(const CellSettings& settings, const std::string& name) {
  std::string text;
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    if (name == rule.name) text = Text(field);
  });
  return text;
}

double SettingNumber(const CellSettings& settings, const std::string& name) {
  double number = std::numeric_limits<double>::quiet_NaN();
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    using T = std::decay_t<decltype(field)>;
    if constexpr (std::is_same_v<T, double> || std::is_same_v<T, int64_t>) {
      if (name == rule.name) number = static_cast<double>(field);
    }
  });
  return number;
}

Json SettingsJson(const CellSettings& settings) {
  Json json = Json::Object();
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    using T = std::decay_t<decltype(field)>;
    if constexpr (std::is_same_v<T, Strings>) {
      Json list = Json::Array();
      for (const std::string& word : field) list.Append(word);
      json.Set(rule.name, list);
    } else {
      json.Set(rule.name, field);
    }
  });
  return json;
}

QuantizationChoice ParseQuantization(const std::string& quantization) {
  LACOS_CHECK(quantization != "none" && IsQuantization(quantization), "checked when it was set");
  const size_t slash = quantization.find('/');
  const std::string block = quantization.substr(slash + 1);
  return {.scheme = *Parse<QuantScheme>(quantization.substr(0, slash)),
          .block_size = block == "row" ? 0 : std::stoll(block)};
}

Compute ComputeOf(const CellSettings& settings) { return *Parse<Compute>(settings.compute); }

TrainOptions MakeCellTrainOptions(const CellSettings& settings, uint64_t seed,
                                  const std::string& base, const std::vector<std::string>& files) {
  TrainOptions options;
  options.model = base;
  options.train_files = files;
  options.examples = {.split = "train",
                      .hard_negatives = settings.hard_negatives,
                      .labelled = settings.loss == "softmax"};
  options.data_fraction = settings.data_fraction;
  options.epochs = settings.epochs;
  options.max_steps = settings.max_steps;
  options.batch = {.batch_size = settings.batch_size, .seed = seed};
  options.max_length = settings.max_length;
  options.strip = settings.strip;
  options.pooling = *Parse<Pooling>(settings.pooling);
  options.normalize = settings.normalize;
  options.loss = {.kind = *Parse<LossKind>(settings.loss),
                  .scale = settings.scale,
                  .symmetric = settings.symmetric,
                  .margin = settings.margin,
                  .seed = seed};
  options.lora = {.rank = settings.lora_rank,
                  .alpha = settings.lora_alpha > 0 ? settings.lora_alpha
                                                   : 2 * static_cast<double>(settings.lora_rank),
                  .targets = settings.lora_target,
                  .train_biases = settings.train_biases};
  if (settings.dropout >= 0) options.dropout = settings.dropout;
  options.optimizer = {.kind = *Parse<OptimizerKind>(settings.optimizer),
                       .weight_decay = settings.weight_decay};
  options.learning_rate = settings.learning_rate;
  options.max_grad_norm = settings.max_grad_norm;
  options.schedule = *Parse<ScheduleKind>(settings.schedule);
  options.warmup_ratio = settings.warmup_ratio;
  options.compute = ComputeOf(settings);
  options.seed = seed;
  for (const std::string& name : SettingNames()) {
    options.recipe.emplace_back(name, SettingText(settings, name));
  }
  options.recipe.emplace_back("seed", fmt::format("{}", seed));
  return options;
}

}  // namespace lacos
