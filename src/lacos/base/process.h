// Time and memory of this process, for progress lines and reports.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lacos {

// Seconds since construction, monotonic.
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
  int64_t rss_bytes = 0;       // VmRSS
  int64_t rss_anon_bytes = 0;  // RssAnon: private memory now
  int64_t rss_file_bytes = 0;  // RssFile: resident pages of mapped files now
};

// Read from /proc/self/status; zeros where it is not mounted.
MemoryUse ReadMemoryUse();

// Bytes that this process has made the disk deliver so far (read_bytes of /proc/self/io): what the
// kernel had cached does not count. 0 where that cannot be read.
int64_t DiskBytesRead();

// Gives memory that was freed, but is kept for later, back to the system: what a large tokenizer or
// data file needed while it was read.
void ReturnFreeMemory();

// The machine's memory in bytes; 0 when unknown.
int64_t MachineMemoryBytes();

// Memory in bytes that this process can still take: what the machine has free (MemAvailable), or
// less where a control group (memory.max of version 2, memory.limit_in_bytes of version 1, of any
// ancestor) or `ulimit -d` leaves less. 0 when unknown.
int64_t AvailableMemoryBytes();

}  // namespace lacos
