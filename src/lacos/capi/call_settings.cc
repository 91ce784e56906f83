#include "lacos/capi/call_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lacos/base/error.h"
#include "lacos/base/similar_words.h"
#include "lacos/base/size_text.h"

namespace lacos::capi {
namespace {

[[noreturn]] void FailKind(std::string_view name, const Json& found, std::string_view expected) {
  std::string text = found.Dump();
  constexpr size_t kShown = 60;
  if (text.size() > kShown) text = text.substr(0, text.find_last_of(' ', kShown)) + " ...";
  throw UserError(fmt::format("[`{}`] found {}; expected {}; correct it", name, text, expected));
}

std::string TextOf(std::string_view name, const Json& value, std::string_view expected) {
  if (!value.IsString()) FailKind(name, value, expected);
  return value.AsString();
}

int64_t WholeOf(std::string_view name, const Json& value, std::string_view expected) {
  int64_t whole = 0;
  // A whole number may be written as 8.0, as languages with one type of numbers do.
  std::string text = value.IsNumber() ? value.Dump() : "";
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, whole);
  if (text.empty() || error != std::errc() || at != end) FailKind(name, value, expected);
  return whole;
}

}  // namespace

CallSettings::CallSettings(const char* json, std::string call) : call_(std::move(call)) {
  const std::string_view text = json == nullptr ? std::string_view() : std::string_view(json);
  settings_ = text.empty() ? Json::Object() : Json::Parse(text, "settings");
  if (!settings_.IsObject()) {
    throw UserError("[settings] found " + settings_.Dump().substr(0, 40) +
                    "; expected a JSON object of names and values; correct it");
  }
}

bool CallSettings::Given(std::string_view name) {
  if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
  return settings_.Find(name).has_value();
}

void CallSettings::Read(std::string_view name, bool& field) {
  if (!Given(name)) return;
  const Json value = Value(name);
  if (!value.IsBool()) FailKind(name, value, "true or false");
  field = value.AsBool();
}

void CallSettings::Read(std::string_view name, int64_t& field) {
  if (Given(name)) field = WholeOf(name, Value(name), "a whole number");
}

void CallSettings::Read(std::string_view name, uint64_t& field) {
  if (!Given(name)) return;
  const Json value = Value(name);
  const std::string text = value.Dump();
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, field);
  if (!value.IsNumber() || error != std::errc() || at != end)
    FailKind(name, value, "a whole number of at least 0");
}

void CallSettings::Read(std::string_view name, double& field) {
  if (!Given(name)) return;
  const Json value = Value(name);
  if (!value.IsNumber()) FailKind(name, value, "a number");
  field = value.AsDouble();
}

void CallSettings::Read(std::string_view name, std::string& field) {
  if (Given(name)) field = TextOf(name, Value(name), "a text");
}

void CallSettings::Read(std::string_view name, std::vector<std::string>& field, char separator) {
  if (!Given(name)) return;
  const Json value = Value(name);
  constexpr std::string_view kExpected = "a text or a list of texts";
  field.clear();
  if (value.IsArray()) {
    value.ForEachElement(
        [&](const Json& element) { field.push_back(TextOf(name, element, kExpected)); });
    return;
  }
  const std::string text = TextOf(name, value, kExpected);
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end =
        separator == 0 ? text.size() : std::min(text.find(separator, begin), text.size());
    field.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

void CallSettings::Read(std::string_view name, std::vector<int64_t>& field) {
  if (!Given(name)) return;
  const Json value = Value(name);
  constexpr std::string_view kExpected = "a whole number or a list of whole numbers";
  field.clear();
  if (!value.IsArray()) {
    field.push_back(WholeOf(name, value, kExpected));
    return;
  }
  value.ForEachElement(
      [&](const Json& element) { field.push_back(WholeOf(name, element, kExpected)); });
}

std::map<std::string, std::string> CallSettings::ReadNames() {
  std::map<std::string, std::string> names;
  if (!Given("names")) return names;
  const Json value = Value("names");
  constexpr std::string_view kExpected = "an object with a text for each path";
  if (!value.IsObject()) FailKind("names", value, kExpected);
  for (const std::string& path : value.Keys())
    names[path] = TextOf("names", value.At(path), kExpected);
  return names;
}

void CallSettings::ReadSize(std::string_view name, int64_t& field) {
  if (!Given(name)) return;
  const Json value = Value(name);
  constexpr std::string_view kExpected = "a number of bytes, or a size such as 6GB or 1.5GiB";
  const std::optional<int64_t> size =
      value.IsString() ? ParseSize(value.AsString()) : WholeOf(name, value, kExpected);
  if (!size || *size < 0) FailKind(name, value, kExpected);
  field = *size;
}

int CallSettings::ReadThreads() {
  constexpr int64_t kMost = 4096;
  int64_t threads = 0;
  ReadListed({.name = "threads", .low = 0, .high = kMost}, threads);
  return static_cast<int>(threads);
}

void CallSettings::Require(std::string_view name, std::string_view what) {
  if (Given(name)) return;
  throw UserError(fmt::format("[`{}`] found nothing; expected {}; set it", name, what));
}

void CallSettings::RefuseOthers() const {
  for (const std::string& name : settings_.Keys()) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    std::vector<std::string> sorted = known_;
    std::ranges::sort(sorted);
    const std::string like = DidYouMean(name, known_);
    throw UserError(fmt::format(
        "[{}] found the unknown setting '{}'; expected {}{}", call_, name,
        like.empty() ? fmt::format("one of {}", fmt::join(sorted, ", ")) : "a known one",
        like.empty() ? "; correct it" : like));
  }
}

}  // namespace lacos::capi
