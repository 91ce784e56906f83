#include "lacos/io/paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "lacos/base/error.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

fs::file_type TypeOf(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error == std::errc::filename_too_long) return fs::file_type::not_found;
  const bool is_loop = error == std::errc::too_many_symbolic_link_levels;
  if (is_loop || status.type() == fs::file_type::not_found) RefuseBrokenLink(path);
  if (!error || status.type() == fs::file_type::not_found) return status.type();
  throw UserError(fmt::format(
      "[{}] could not be looked at: {}; expected a path that can be read; check the path and "
      "its permissions",
      path, error.message()));
}

}  // namespace

bool PathExists(const std::string& path) { return TypeOf(path) != fs::file_type::not_found; }
bool FileExists(const std::string& path) { return TypeOf(path) == fs::file_type::regular; }
bool FolderExists(const std::string& path) { return TypeOf(path) == fs::file_type::directory; }

std::optional<std::string> DanglingTarget(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(fs::symlink_status(path, error))) return std::nullopt;
  if (fs::status(path, error).type() != fs::file_type::not_found) return std::nullopt;
  return fs::read_symlink(path, error).string();
}

void RefuseBrokenLink(const std::string& path) {
  std::error_code error;
  (void)fs::status(path, error);
  if (error == std::errc::too_many_symbolic_link_levels) {
    const fs::path leads_to = fs::read_symlink(path, error);
    throw UserError(fmt::format(
        "[{}] runs into a loop of links{}; expected a link to an existing file or folder; correct the "
        "link",
        path, error ? "" : fmt::format(", beginning with its target '{}'", leads_to.string())));
  }
  const std::optional<std::string> target = DanglingTarget(path);
  if (!target) return;
  throw UserError(fmt::format(
      "[{}] is a link to '{}', which does not exist; expected a link to an existing file or folder; "
      "correct the link, or in a cache of downloads download the file again",
      path, *target));
}

bool StaysInside(std::string_view name) {
  const fs::path path(name);
  return !name.empty() && name.find('\0') == std::string_view::npos && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace lacos
