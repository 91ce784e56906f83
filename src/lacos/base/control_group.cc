#include "lacos/base/control_group.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace lacos {
namespace {

namespace fs = std::filesystem;

// The number in a file of one line. Nothing for "max", for a missing file, and for a number that
// does not fit into 64 bits.
std::optional<int64_t> ReadNumber(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (!(file >> value) || value < 0) return std::nullopt;
  return value;
}

// The value in the line "name value" of memory.stat, or 0 if there is no such line.
int64_t StatField(const fs::path& path, const std::string& name) {
  std::ifstream file(path);
  std::string key;
  for (int64_t value = 0; file >> key >> value;) {
    if (key == name) return value;
  }
  return 0;
}

// The names that one version of control groups has for its files.
struct Names {
  const char* limit;
  const char* usage;
  const char* reclaimable;  // a line of memory.stat
};
constexpr Names kVersion2 = {"memory.max", "memory.current", "inactive_file"};
constexpr Names kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                             "total_inactive_file"};

std::optional<int64_t> Smaller(std::optional<int64_t> a, std::optional<int64_t> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The bytes that the tightest limit leaves among `group` and all groups above it, up to `mount`.
std::optional<int64_t> FreeBytes(const fs::path& mount, const std::string& group,
                                 const Names& names) {
  std::optional<int64_t> tightest;
  // Inside a container the path may be the host's, and then only the files at the mount itself
  // exist.
  fs::path path = fs::path(group).relative_path().lexically_normal();
  while (true) {
    const fs::path folder = mount / path;
    const auto limit = ReadNumber(folder / names.limit);
    const auto usage = ReadNumber(folder / names.usage);
    // version 1 writes 2^63, rounded down to a page, for no limit
    constexpr int64_t kNoLimit = int64_t{1} << 60;
    if (limit && usage && *limit < kNoLimit) {
      const int64_t taken =
          std::max<int64_t>(*usage - StatField(folder / "memory.stat", names.reclaimable), 0);
      tightest = Smaller(tightest, std::max<int64_t>(*limit - taken, 0));
    }
    if (path.empty() || path == ".") return tightest;
    path = path.parent_path();
  }
}

}  // namespace

std::optional<int64_t> ControlGroupFreeBytes(const std::string& membership,
                                             const std::string& root) {
  std::optional<int64_t> tightest;
  std::ifstream file(membership);
  // A line is "hierarchy:controllers:path". In version 2 the hierarchy is 0 and there are no
  // controllers.
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string group = line.substr(second + 1);
    if (line.starts_with("0::")) {
      tightest = Smaller(tightest, FreeBytes(root, group, kVersion2));
      tightest = Smaller(tightest, FreeBytes(fs::path(root) / "unified", group, kVersion2));
    }
    std::istringstream controllers(line.substr(first + 1, second - first - 1));
    for (std::string controller; std::getline(controllers, controller, ',');) {
      if (controller != "memory") continue;
      tightest = Smaller(tightest, FreeBytes(fs::path(root) / "memory", group, kVersion1));
    }
  }
  return tightest;
}

}  // namespace lacos
