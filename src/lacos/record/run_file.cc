#include "lacos/record/run_file.h"

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

std::vector<std::string> RunFile::Arguments() const {
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
