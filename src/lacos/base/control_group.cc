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

template <class T>
std::optional<T> Smaller(std::optional<T> a, std::optional<T> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The tightest limit of `group` and all groups above it, up to `mount`. `limit_of` returns the
// limit of a folder, or nothing.
template <class T, class LimitOf>
std::optional<T> Tightest(const fs::path& mount, const std::string& group, LimitOf&& limit_of) {
  std::optional<T> tightest;
  // Inside a container the path may be the host's, and then only the files at the mount itself
  // exist.
  fs::path path = fs::path(group).relative_path().lexically_normal();
  while (true) {
    tightest = Smaller<T>(tightest, limit_of(mount / path));
    if (path.empty() || path == ".") return tightest;
    path = path.parent_path();
  }
}

// The bytes that the memory limit in this folder leaves.
std::optional<int64_t> FreeBytes(const fs::path& folder, const Names& names) {
  const auto limit = ReadNumber(folder / names.limit);
  const auto usage = ReadNumber(folder / names.usage);
  // version 1 writes 2^63, rounded down to a page, for no limit
  constexpr int64_t kNoLimit = int64_t{1} << 60;
  if (!limit || !usage || *limit >= kNoLimit) return std::nullopt;
  const int64_t taken =
      std::max<int64_t>(*usage - StatField(folder / "memory.stat", names.reclaimable), 0);
  return std::max<int64_t>(*limit - taken, 0);
}

// The number of cores that a CPU quota allows: microseconds of CPU time in a period of as many
// microseconds. Nothing if either is unknown or 0.
std::optional<double> Cores(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// The number of cores that the CPU quota in this folder allows. Version 2 writes quota and period
// into one file, where "max" means no quota; version 1 has a file for each, and -1 means none.
std::optional<double> CoresOfVersion2(const fs::path& folder) {
  std::ifstream file(folder / "cpu.max");
  int64_t quota = 0, period = 0;
  if (!(file >> quota >> period) || quota < 0 || period < 0) return std::nullopt;
  return Cores(quota, period);
}
std::optional<double> CoresOfVersion1(const fs::path& folder) {
  return Cores(ReadNumber(folder / "cpu.cfs_quota_us"), ReadNumber(folder / "cpu.cfs_period_us"));
}

// A group of the process: where its controller is mounted, and its path there.
struct Membership {
  bool version2 = false;
  fs::path mount;
  std::string group;
};

// The groups of /proc/self/cgroup that have the controller. In version 1 several controllers may
// share a mount whose name lists them ("cpu,cpuacct").
std::vector<Membership> Memberships(const std::string& membership, const fs::path& root,
                                    const std::string& wanted) {
  std::vector<Membership> found;
  std::ifstream file(membership);
  // A line is "hierarchy:controllers:path". In version 2 the hierarchy is 0 and there are no
  // controllers.
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string group = line.substr(second + 1);
    if (line.starts_with("0::")) {
      found.push_back({true, root, group});
      found.push_back({true, root / "unified", group});
    }
    const std::string names = line.substr(first + 1, second - first - 1);
    std::istringstream controllers(names);
    for (std::string controller; std::getline(controllers, controller, ',');) {
      if (controller != wanted) continue;
      found.push_back({false, root / wanted, group});
      if (names != wanted) found.push_back({false, root / names, group});
    }
  }
  return found;
}

}  // namespace

std::optional<int64_t> ControlGroupFreeBytes(const std::string& membership,
                                             const std::string& root) {
  std::optional<int64_t> tightest;
  for (const Membership& of : Memberships(membership, root, "memory")) {
    tightest = Smaller(tightest, Tightest<int64_t>(of.mount, of.group, [&](const fs::path& folder) {
                         return FreeBytes(folder, of.version2 ? kVersion2 : kVersion1);
                       }));
  }
  return tightest;
}

std::optional<double> ControlGroupCores(const std::string& membership, const std::string& root) {
  std::optional<double> tightest;
  for (const Membership& of : Memberships(membership, root, "cpu")) {
    tightest = Smaller(tightest, Tightest<double>(of.mount, of.group, [&](const fs::path& folder) {
                         return of.version2 ? CoresOfVersion2(folder) : CoresOfVersion1(folder);
                       }));
  }
  return tightest;
}

}  // namespace lacos
