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
  const bool impossible =
      error == std::errc::filename_too_long || error == std::errc::too_many_symbolic_link_levels;
  if (!error || status.type() == fs::file_type::not_found || impossible) {
    return impossible ? fs::file_type::not_found : status.type();
  }
  throw UserError(fmt::format(
      "[{}] could not be looked at: {}; expected a path that can be read; check the path and "
      "its permissions",
      path, error.message()));
}

}  // namespace

bool PathExists(const std::string& path) { return TypeOf(path) != fs::file_type::not_found; }
bool FileExists(const std::string& path) { return TypeOf(path) == fs::file_type::regular; }
bool FolderExists(const std::string& path) { return TypeOf(path) == fs::file_type::directory; }

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
