// The settings of one call of the C interface, which are the members of a JSON object.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/base/word_value.h"
#include "lacos/io/json.h"
#include "lacos/train/setting_info.h"
#include "lacos/train/setting_values.h"

namespace lacos::capi {

// A member whose value is null counts as not given. Every Read stores a given value in `field` and
// makes the name known; a value of another kind throws UserError that names the setting. After the
// last Read, RefuseOthers throws UserError for members that nobody read.
class CallSettings {
 public:
  // `json` may be NULL or "", which means no settings. `call` is the name of the call for messages.
  CallSettings(const char* json, std::string call);

  void Read(std::string_view name, bool& field);
  void Read(std::string_view name, int64_t& field);
  void Read(std::string_view name, uint64_t& field);
  void Read(std::string_view name, double& field);
  void Read(std::string_view name, std::string& field);
  // An array of texts, or one text. With `separator`, one text may hold several.
  void Read(std::string_view name, std::vector<std::string>& field, char separator = 0);
  // An array of whole numbers, or one number.
  void Read(std::string_view name, std::vector<int64_t>& field);
  template <NamedEnum E>
  void Read(std::string_view name, E& field) {
    std::optional<std::string> word;
    Read(name, word);
    if (word) field = WordValue<E>(name, *word);
  }
  template <class T>
  void Read(std::string_view name, std::optional<T>& field) {
    if (!Given(name)) return;
    T value{};
    Read(name, value);
    field = std::move(value);
  }

  // A setting of the list of settings, with its range and words.
  template <class T>
  void ReadListed(const SettingInfo& info, T& field) {
    if (!Given(info.name)) return;
    using Value = typename SettingValueType<T>::Type;
    Value value{};
    if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
      Read(info.name, value, ',');
    } else if constexpr (std::is_same_v<Value, int64_t>) {
      info.unit == "SIZE" ? ReadSize(info.name, value) : Read(info.name, value);
    } else {
      Read(info.name, value);
    }
    if constexpr (!NamedEnum<Value>) CheckSettingValue(info, value);
    field = std::move(value);
  }
  // The setting `names`: an object of paths and what messages and records call these files.
  std::map<std::string, std::string> ReadNames();
  // A number of bytes, or a text such as "6GB".
  void ReadSize(std::string_view name, int64_t& field);

  // The setting `threads`; 0, which is its default, means all cores that the process may use.
  int ReadThreads();

  // Throws UserError if the setting is not given.
  void Require(std::string_view name, std::string_view what);
  void RefuseOthers() const;

  bool Given(std::string_view name);  // makes the name known too
  // The value of a setting that is given.
  Json Value(std::string_view name) const { return settings_.At(name); }
  const Json& all() const { return settings_; }

 private:
  std::string call_;
  Json settings_;
  std::vector<std::string> known_;
};

}  // namespace lacos::capi
