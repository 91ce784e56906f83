#include "lacos/base/process.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "lacos/base/control_group.h"

namespace lacos {
namespace {

// The value in bytes of a line "Name:  123 kB", or -1 if the line has another name.
int64_t KilobyteField(const std::string& line, const std::string& name) {
  if (line.rfind(name, 0) != 0) return -1;
  std::istringstream rest(line.substr(name.size()));
  int64_t kilobytes = 0;
  rest >> kilobytes;
  return kilobytes * 1024;
}

// The bytes of private writable memory that `ulimit -d` still leaves.
std::optional<int64_t> FreeDataBytes() {
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (const int64_t taken = KilobyteField(line, "VmData:"); taken >= 0) {
      return std::max<int64_t>(static_cast<int64_t>(limit.rlim_cur) - taken, 0);
    }
  }
  return std::nullopt;
}

}  // namespace

MemoryUse ReadMemoryUse() {
  MemoryUse use;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (const int64_t v = KilobyteField(line, "VmHWM:"); v >= 0) use.peak_rss_bytes = v;
    if (const int64_t v = KilobyteField(line, "VmRSS:"); v >= 0) use.rss_bytes = v;
    if (const int64_t v = KilobyteField(line, "RssAnon:"); v >= 0) use.rss_anon_bytes = v;
    if (const int64_t v = KilobyteField(line, "RssFile:"); v >= 0) use.rss_file_bytes = v;
  }
  return use;
}

int64_t DiskBytesRead() {
  std::ifstream io("/proc/self/io");
  std::string name;
  for (int64_t value = 0; io >> name >> value;) {
    if (name == "read_bytes:") return value;
  }
  return 0;
}

void ReturnFreeMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

int64_t MachineMemoryBytes() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? pages * page_bytes : 0;
}

int64_t AvailableMemoryBytes() {
  std::ifstream info("/proc/meminfo");
  int64_t available = -1;
  for (std::string line; available < 0 && std::getline(info, line);) {
    available = KilobyteField(line, "MemAvailable:");
  }
  if (available < 0) return 0;
  if (const auto group = ControlGroupFreeBytes("/proc/self/cgroup", "/sys/fs/cgroup")) {
    available = std::min(available, *group);
  }
  if (const auto data = FreeDataBytes()) available = std::min(available, *data);
  return available;
}

}  // namespace lacos
