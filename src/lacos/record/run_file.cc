#include "lacos/record/run_file.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "lacos/io/paths.h"

namespace lacos {

namespace fs = std::filesystem;

RunFile::RunFile(std::string path) : path_(std::move(path)), json_(Json::ReadFile(path_)) {}

std::string RunFile::Command() const {
  const std::optional<Json> command = json_.Find("command");
  return command ? command->AsString() : "";
}

bool RunFile::IsOf(std::string_view command) const {
  const std::optional<Json> recorded = json_.Find("command");
  return !recorded || recorded->AsString() == command;
}

namespace {

// The flags that have the values of a call's settings.
std::vector<std::string> FlagsOf(const Json& call) {
  std::vector<std::string> arguments;
  const auto text = [](const Json& value) {
    return value.IsString() ? value.AsString() : value.Dump();
  };
  call.ForEachItem([&](std::string_view name, const Json& value) {
    if (value.IsNull()) return;
    std::string flag = "--" + std::string(name);
    std::ranges::replace(flag, '_', '-');
    if (value.IsArray()) {
      arguments.push_back(flag);
      value.ForEachElement([&](const Json& element) { arguments.push_back(text(element)); });
    } else if (value.IsBool()) {
      arguments.push_back(value.AsBool() ? flag : flag + "=false");
    } else {
      arguments.push_back(flag + "=" + text(value));
    }
  });
  return arguments;
}

}  // namespace

std::vector<std::string> RunFile::Arguments() const {
  const std::optional<Json> call = json_.Find("call");
  if (call && !json_.Has("arguments")) return FlagsOf(*call);
  const Json list = json_.At("arguments");
  std::vector<std::string> arguments;
  for (size_t i = 0; i < list.size(); ++i) arguments.push_back(list[i].AsString());
  return arguments;
}

std::string RunFile::PathFromHere(const std::string& argument) const {
  const std::optional<Json> recorded = json_.Find("working_directory");
  if (!recorded) return argument;
  // An absolute path on the right replaces the left side.
  const fs::path directory = fs::path(path_).parent_path() / recorded->AsString();
  const std::string place = (directory / argument).lexically_normal().string();
  return PathExists(place) ? place : argument;
}

}  // namespace lacos
