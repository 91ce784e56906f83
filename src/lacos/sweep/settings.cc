#include "lacos/sweep/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/nan.h"

namespace lacos {
namespace {

using Strings = std::vector<std::string>;

constexpr double kAutomatic = -1;    // value in a recipe that leaves a number at its default
constexpr double kMostWhole = 1e15;  // upper limit of settings without a smaller one
// Values of `sweep_place` for the settings that only sweeps have.
constexpr int kBase = 1, kLayers = 2, kQuantization = 3, kData = 5;

// A setting of a recipe. `what` describes its allowed values in messages, for settings where type,
// words and range do not suffice.
struct Rule {
  SettingInfo info;
  std::string_view what = {};
};

// Calls f(rule, field) for every setting: first those that only sweeps have, then those of a run.
template <class Settings, class F>
void ForEachSetting(Settings& s, const F& f) {
  f(Rule{{.name = "base", .sweep_place = kBase}, "a name of [bases]"}, s.base);
  f(Rule{{.name = "layers", .low = 0, .high = 1e6, .sweep_place = kLayers}}, s.layers);
  f(Rule{{.name = "quantization", .sweep_place = kQuantization},
         "none, linear/row, dynamic/row, or linear/N or dynamic/N with N a power of two from 64 to "
         "4096"},
    s.quantization);
  f(Rule{{.name = "data", .sweep_place = kData}, "a name of [data]"}, s.data);
  s.train.ForEachField([&](const SettingInfo& info, auto& field) {
    using T = std::decay_t<decltype(field)>;
    // Recipes have no settings that are lists of numbers, and seeds are given separately.
    if constexpr (!std::is_same_v<T, std::vector<int64_t>> && !std::is_same_v<T, uint64_t>) {
      if (info.sweep_place == 0) return;
      Rule rule{info};
      if (info.name == "lora_alpha") rule.info.low = 0;  // 0 = twice the rank
      if constexpr (std::is_same_v<T, std::optional<double>>) rule.info.low = kAutomatic;
      f(rule, field);
    }
  });
}

double HighOf(const SettingInfo& info) { return std::min(info.high, kMostWhole); }

template <class Field>
std::string Expected(const Rule& rule, const Field&) {
  using T = typename SettingValueType<Field>::Type;
  if (!rule.what.empty()) return std::string(rule.what);
  if (std::is_same_v<T, bool>) return "true or false";
  const Strings words = WordsOfSetting<T>(rule.info);
  if (std::is_same_v<T, Strings>) return fmt::format("a list of {}", fmt::join(words, ", "));
  if (!words.empty()) return fmt::format("one of {}", fmt::join(words, ", "));
  const char* kind = std::is_same_v<T, int64_t> ? "a whole number" : "a number";
  return fmt::format("{} from {} to {}", kind, rule.info.low, HighOf(rule.info));
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

bool InRange(const SettingInfo& info, double number) {
  return std::isfinite(number) && number >= info.low && number <= HighOf(info);
}

// Stores the value in the field if type, words and range allow it. Returns whether it did.
bool Assign(const SettingInfo&, const SettingValue& value, bool& field) {
  if (const bool* v = std::get_if<bool>(&value)) return field = *v, true;
  return false;
}
bool Assign(const SettingInfo& info, const SettingValue& value, int64_t& field) {
  const int64_t* v = std::get_if<int64_t>(&value);
  if (v == nullptr || !InRange(info, static_cast<double>(*v))) return false;
  field = *v;
  return true;
}
bool Assign(const SettingInfo& info, const SettingValue& value, double& field) {
  double number = kNaN;
  if (const double* v = std::get_if<double>(&value)) number = *v;
  if (const int64_t* v = std::get_if<int64_t>(&value)) number = static_cast<double>(*v);
  if (!InRange(info, number)) return false;
  field = number;
  return true;
}
bool Assign(const SettingInfo& info, const SettingValue& value, std::string& field) {
  const std::string* v = std::get_if<std::string>(&value);
  if (v == nullptr || v->empty()) return false;
  if (info.sweep_place == kQuantization && !IsQuantization(*v)) return false;
  field = *v;
  return true;
}
bool Assign(const SettingInfo& info, const SettingValue& value, Strings& field) {
  Strings list;
  if (const Strings* v = std::get_if<Strings>(&value)) list = *v;
  if (const std::string* v = std::get_if<std::string>(&value)) list = {*v};
  const auto is_word = [&](const std::string& word) {
    return std::ranges::find(info.words, word) != info.words.end();
  };
  if (list.empty() || !std::ranges::all_of(list, is_word)) return false;
  field = list;
  return true;
}
template <NamedEnum E>
bool Assign(const SettingInfo&, const SettingValue& value, E& field) {
  const std::string* v = std::get_if<std::string>(&value);
  const std::optional<E> parsed = v != nullptr ? Parse<E>(*v) : std::nullopt;
  if (parsed) field = *parsed;
  return parsed.has_value();
}
template <class T>
bool Assign(const SettingInfo& info, const SettingValue& value, std::optional<T>& field) {
  T plain{};
  if (!Assign(info, value, plain)) return false;
  field = plain;
  if constexpr (std::is_same_v<T, double>) {
    if (plain < 0) field.reset();
  }
  return true;
}

// The value of a field. For an optional field without a value: what a recipe writes in its place.
template <class T>
const T& Given(const T& field) {
  return field;
}
template <class T>
T Given(const std::optional<T>& field) {
  if constexpr (std::is_same_v<T, double>) {
    return field.value_or(kAutomatic);
  } else {
    return field.value();  // the constructor of CellSettings sets these fields
  }
}

template <class T>
Json ToJson(const T& value) {
  if constexpr (std::is_same_v<T, Strings>) {
    Json list = Json::Array();
    for (const std::string& word : value) list.Append(word);
    return list;
  } else if constexpr (NamedEnum<T>) {
    return Name(value);
  } else {
    return value;
  }
}

template <class T>
std::string Text(const T& value) {
  if constexpr (std::is_same_v<T, Strings>) {
    return SettingText(value, "+");
  } else {
    return SettingText(value);
  }
}

// The place, the name and value(rule, field) of every setting, sorted by place.
template <class F>
auto InOrder(const CellSettings& settings, const F& value) {
  using Value = decltype(value(Rule{}, settings.layers));
  struct Entry {
    int place;
    std::string name;
    Value value;
  };
  std::vector<Entry> entries;
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    entries.push_back({rule.info.sweep_place, std::string(rule.info.name), value(rule, field)});
  });
  std::ranges::sort(entries, {}, &Entry::place);
  return entries;
}

}  // namespace

CellSettings::CellSettings() {
  train.pooling = Pooling::kWeightedMean;
  train.normalize = false;
  train.strip = false;
  train.max_length = 75;
  train.lora_alpha = 0;
}

const std::vector<std::string>& SettingNames() {
  static const Strings names = [] {
    Strings list;
    for (const auto& entry : InOrder({}, [](const Rule&, const auto&) { return true; }))
      list.push_back(entry.name);
    return list;
  }();
  return names;
}

std::string SettingExpected(const std::string& name) {
  std::string expected;
  const CellSettings settings;
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    if (name == rule.info.name) expected = Expected(rule, field);
  });
  return expected;
}

std::string SetSetting(CellSettings& settings, const std::string& name, const SettingValue& value) {
  bool known = false, fits = false;
  ForEachSetting(settings, [&](const Rule& rule, auto& field) {
    if (name != rule.info.name) return;
    known = true;
    fits = Assign(rule.info, value, field);
  });
  LACOS_CHECK(known, "the recipe refuses unknown settings");
  return fits ? "" : "found " + Show(value);
}

std::string SettingText(const CellSettings& settings, const std::string& name) {
  std::string text;
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    if (name == rule.info.name) text = Text(Given(field));
  });
  return text;
}

double SettingNumber(const CellSettings& settings, const std::string& name) {
  double number = kNaN;
  ForEachSetting(settings, [&](const Rule& rule, const auto& field) {
    using T = typename SettingValueType<std::decay_t<decltype(field)>>::Type;
    if constexpr (std::is_same_v<T, double> || std::is_same_v<T, int64_t>) {
      if (name == rule.info.name) number = static_cast<double>(Given(field));
    }
  });
  return number;
}

Json SettingsJson(const CellSettings& settings) {
  Json json = Json::Object();
  for (auto& entry :
       InOrder(settings, [](const Rule&, const auto& field) { return ToJson(Given(field)); })) {
    json.Set(entry.name, std::move(entry.value));
  }
  return json;
}

QuantizationChoice ParseQuantization(const std::string& quantization) {
  LACOS_CHECK(quantization != "none" && IsQuantization(quantization), "checked when it was set");
  const size_t slash = quantization.find('/');
  const std::string block = quantization.substr(slash + 1);
  return {.scheme = *Parse<QuantScheme>(quantization.substr(0, slash)),
          .block_size = block == "row" ? 0 : std::stoll(block)};
}

TrainOptions MakeCellTrainOptions(const CellSettings& settings, uint64_t seed,
                                  const std::string& base, const std::vector<std::string>& files) {
  TrainOptions options;
  options.model = base;
  options.train_files = files;
  options.settings = settings.train;
  options.settings.seed = seed;
  if (settings.train.lora_alpha == 0)
    options.settings.lora_alpha = 2 * static_cast<double>(settings.train.lora_rank);
  for (const std::string& name : SettingNames()) {
    options.run.recipe.emplace_back(name, SettingText(settings, name));
  }
  options.run.recipe.emplace_back("seed", fmt::format("{}", seed));
  return options;
}

}  // namespace lacos
