#include "lacos/base/process.h"

#include <fstream>
#include <sstream>

namespace lacos {
namespace {

// The value in bytes of a "Name:  123 kB" line, or -1 when the line is another one.
int64_t KilobyteField(const std::string& line, const std::string& name) {
  if (line.rfind(name, 0) != 0) return -1;
  std::istringstream rest(line.substr(name.size()));
  int64_t kilobytes = 0;
  rest >> kilobytes;
  return kilobytes * 1024;
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

int64_t AvailableMemoryBytes() {
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);) {
    if (const int64_t v = KilobyteField(line, "MemAvailable:"); v >= 0) return v;
  }
  return 0;
}

}  // namespace lacos
