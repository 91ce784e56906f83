#include "faults/run_contents.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include "integration/measurements.h"
#include "integration/program.h"
#include "lacos/io/json.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

std::string LinesWithoutMeasurements(const std::string& lines) {
  std::string kept;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const Json line = Json::Parse(lines.substr(begin, end - begin), "metrics.jsonl");
    kept += WithoutMeasurements(line).Dump() + "\n";
    begin = end + 1;
  }
  return kept;
}

// A manifest without what differs between equal runs. If the output contains files with
// measurements, only the file names are kept. The output's path, which is a model's name if it has
// no other, is replaced by OUTPUT.
std::string ManifestWithoutMeasurements(const std::string& bytes, const std::string& output) {
  const Json manifest = Json::Parse(bytes, "lacos.json");
  const Json files = manifest.At("files");
  std::string text = bytes;
  if (files.Has("results.json") || files.Has("sweep.json"))
    text = fmt::format("{}", fmt::join(files.Keys(), " "));
  for (size_t at; (at = text.find(output)) != std::string::npos;)
    text.replace(at, output.size(), "OUTPUT");
  return text;
}

// A field of a protocol buffer message: its number, and its bytes or, for varints, its value.
struct Field {
  uint64_t number = 0, value = 0;
  std::string bytes;
};

uint64_t ReadVarint(std::string_view& data) {
  uint64_t value = 0;
  for (int shift = 0; !data.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(data[0]);
    data.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

std::vector<Field> ReadFields(std::string_view data) {
  std::vector<Field> fields;
  while (!data.empty()) {
    const uint64_t tag = ReadVarint(data);
    Field field{.number = tag >> 3, .value = 0, .bytes = {}};
    size_t size = 0;
    if ((tag & 7) == 0) field.value = ReadVarint(data);
    if ((tag & 7) == 1) size = 8;
    if ((tag & 7) == 2) size = ReadVarint(data);
    if ((tag & 7) == 5) size = 4;
    field.bytes = data.substr(0, size);
    data.remove_prefix(std::min(size, data.size()));
    fields.push_back(std::move(field));
  }
  return fields;
}

struct Event {
  uint64_t step = 0;
  std::string scalars;
};

// Adds a file's events in the way TensorBoard reads them: the start of a file voids earlier events
// from its step on, and an incomplete record that a killed run left is ignored.
void AddEvents(const std::string& file, std::vector<Event>& events) {
  for (size_t at = 0; at + 12 <= file.size();) {
    uint64_t size = 0;
    std::memcpy(&size, file.data() + at, 8);
    if (size > file.size() - at - 12 || file.size() - at - 12 - size < 4) return;
    Event event;
    bool start = false;
    for (const Field& field : ReadFields(std::string_view(file).substr(at + 12, size))) {
      if (field.number == 2) event.step = field.value;
      if (field.number == 7) start = true;
      if (field.number != 5) continue;
      for (const Field& value : ReadFields(field.bytes)) {
        const std::vector<Field> parts = ReadFields(value.bytes);
        const auto tag =
            std::find_if(parts.begin(), parts.end(), [](const Field& f) { return f.number == 1; });
        if (tag == parts.end() || IsMeasured(tag->bytes)) continue;
        event.scalars += value.bytes + "\n";
      }
    }
    if (start) {
      std::erase_if(events, [&](const Event& earlier) { return earlier.step >= event.step; });
    } else if (!event.scalars.empty()) {
      events.push_back(event);
    }
    at += 16 + size;
  }
}

}  // namespace

std::map<std::string, std::string> RunContents(const std::string& output) {
  std::map<std::string, std::string> contents;
  std::vector<std::string> event_files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(output)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(output).string();
    const std::string bytes = ReadAll(entry.path().string());
    if (name.starts_with("events.out.tfevents.")) {
      event_files.push_back(name);
    } else if (name == "metrics.jsonl") {
      contents[name] = LinesWithoutMeasurements(bytes);
    } else if (name == "run.json") {
      const Json run = Json::Parse(bytes, name);
      // Other parts of a training run's record differ between equal runs, for example the threads.
      contents[name] = run.Has("settings") ? run.At("settings").Dump() : bytes;
    } else if (name.ends_with("cell.json") || name.ends_with("results.json") ||
               name == "sweep.json") {
      contents[name] = WithoutMeasurements(Json::Parse(bytes, name)).Dump();
    } else if (name.ends_with("lacos.json")) {
      contents[name] = ManifestWithoutMeasurements(bytes, output);
    } else if (!name.ends_with(".html") && name != "sweep.csv") {
      contents[name] = bytes;
    }
  }
  std::sort(event_files.begin(), event_files.end());
  std::vector<Event> events;
  for (const std::string& name : event_files) AddEvents(ReadAll(output + "/" + name), events);
  for (const Event& event : events)
    contents["events"] += fmt::format("{} {}", event.step, event.scalars);
  return contents;
}

std::string Difference(const std::map<std::string, std::string>& expected,
                       const std::map<std::string, std::string>& found) {
  std::string text;
  for (const auto& [name, bytes] : expected) {
    const auto other = found.find(name);
    if (other == found.end()) text += " " + name + " is missing;";
    if (other != found.end() && other->second != bytes) text += " " + name + " differs;";
  }
  for (const auto& [name, bytes] : found) {
    if (!expected.contains(name)) text += " " + name + " is left over;";
  }
  return text;
}

}  // namespace lacos
