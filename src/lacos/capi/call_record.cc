#include "lacos/capi/call_record.h"

#include <algorithm>
#include <array>

#include "lacos/base/version.h"
#include "lacos/record/caller.h"
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

Json RecordOfCall(const RecordedCall& recorded) {
  if (recorded.output.empty()) return {};
  Json call = Json::Object();
  for (const std::string& name : recorded.settings.Keys()) {
    if (std::ranges::find(kNotRecorded, name) == kNotRecorded.end())
      call.Set(name, Renamed(recorded.settings.At(name), recorded.names));
  }
  Json record = Json::Object();
  record.Set("lacos_version", kLacosVersion);
  record.Set("build", BuildRecord());
  record.Set("command", recorded.command);
  record.Set("interface", recorded.interface);
  record.Set("function", recorded.function);
  record.Set("call", call);
  record.Set("working_directory", WorkingDirectoryFrom(recorded.output));
  if (recorded.seed) record.Set("seed", *recorded.seed);
  record.Set("machine", MachineRecord());
  record.Set("environment", EnvironmentRecord());
  return record;
}

Json OpeningSettings(const lacos_model& model) {
  const SentenceEncoderOptions& options = model.options;
  Json settings = Json::Object();
  settings.Set("model", options.path);
  if (!options.base.empty()) settings.Set("base", options.base);
  if (!options.adapter.empty()) settings.Set("adapter", options.adapter);
  settings.Set("device", NameOf(options.device));
  settings.Set("compute", Name(options.compute));
  if (options.pooling) settings.Set("pooling", Name(*options.pooling));
  if (options.normalize) settings.Set("normalize", *options.normalize);
  if (options.max_length) settings.Set("max_length", *options.max_length);
  if (options.strip) settings.Set("strip", *options.strip);
  if (!options.prefix.empty()) settings.Set("prefix", options.prefix);
  if (!options.suffix.empty()) settings.Set("suffix", options.suffix);
  if (options.preset) settings.Set("preset", Name(*options.preset));
  return settings;
}

void AddMembers(const Json& more, Json& object) {
  for (const std::string& name : more.Keys()) object.Set(name, more.At(name));
}

}  // namespace lacos::capi
