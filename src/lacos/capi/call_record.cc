#include "lacos/capi/call_record.h"

#include <algorithm>
#include <array>

#include "lacos/base/version.h"
#include "lacos/record/machine.h"

namespace lacos::capi {
namespace {

using Names = std::map<std::string, std::string>;

constexpr std::array kNotRecorded = {"output", "overwrite", "resume", "names"};

Json Renamed(const Json& value, const Names& names) {
  if (value.IsString()) {
    const auto named = names.find(value.AsString());
    return named == names.end() ? value : Json(named->second);
  }
  if (!value.IsArray()) return value;
  Json list = Json::Array();
  value.ForEachElement([&](const Json& element) { list.Append(Renamed(element, names)); });
  return list;
}

}  // namespace

Json RecordOfCall(const std::string& command, const Json& settings, const Names& names) {
  Json call = Json::Object();
  for (const std::string& name : settings.Keys()) {
    if (std::ranges::find(kNotRecorded, name) == kNotRecorded.end())
      call.Set(name, Renamed(settings.At(name), names));
  }
  Json record = Json::Object();
  record.Set("lacos_version", kLacosVersion);
  record.Set("command", command);
  record.Set("interface", "lacos.h");
  record.Set("call", call);
  record.Set("machine", MachineRecord());
  return record;
}

}  // namespace lacos::capi
