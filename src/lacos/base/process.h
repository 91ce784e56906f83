// Time and memory of this process, and the memory of the machine, for progress lines and reports.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lacos {

// Measures the seconds since its construction, with a monotonic clock.
class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct MemoryUse {
  int64_t peak_rss_bytes = 0;  // VmHWM: largest resident set so far, pages of mapped files included
  int64_t rss_bytes = 0;       // VmRSS: resident set now
  int64_t rss_anon_bytes = 0;  // RssAnon: private memory now
  int64_t rss_file_bytes = 0;  // RssFile: resident pages of mapped files now
};

// Reads /proc/self/status. All values are 0 if /proc is not mounted.
MemoryUse ReadMemoryUse();

// Bytes that the disk has delivered for this process so far (read_bytes of /proc/self/io). Data
// that the kernel had cached does not count. Returns 0 if it is unknown.
int64_t DiskBytesRead();

// Returns freed memory that the allocator keeps to the system, for example after a large tokenizer
// or data file has been read.
void ReturnFreeMemory();

// Returns the machine's memory in bytes, or 0 if it is unknown.
int64_t MachineMemoryBytes();

// The memory in bytes that this process can still take. It is the machine's free memory
// (MemAvailable), or less if `ulimit -d` or the limit of a control group or its ancestors leaves
// less (memory.max of version 2, memory.limit_in_bytes of version 1). Returns 0 if it is unknown.
int64_t AvailableMemoryBytes();

}  // namespace lacos
