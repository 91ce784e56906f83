// What one client, or all clients together, may take of the connections. /info shows every limit.
#pragma once

#include <chrono>
#include <cstdint>

namespace lacos {

// A gzip body may be so many times as large as its compressed bytes. Texts are compressed 3 to 30
// times, repetitive ones perhaps 100 times.
inline constexpr int64_t kMaxGzipExpansion = 250;

struct HttpLimits {
  int64_t connections = 4096;             // beyond them a connection gets 503 and is closed
  int64_t connections_per_address = 256;  // not for loopback addresses and unix sockets
  int64_t head_bytes = int64_t{16} << 10;
  int64_t fields = 100;
  int64_t target_bytes = int64_t{4} << 10;
  int64_t body_bytes = int64_t{32} << 20;
  int64_t all_body_bytes = int64_t{256} << 20;   // bodies that are being read at one time
  std::chrono::milliseconds head_time{10'000};   // for a whole head, from its first byte
  std::chrono::milliseconds body_time{30'000};   // for a whole body
  int64_t body_bytes_per_second = 1'000;         // a slower body is ended after the first 2 seconds
  std::chrono::milliseconds idle_time{75'000};   // between two requests of a connection
  std::chrono::milliseconds write_time{30'000};  // during which a client reads nothing
};

}  // namespace lacos
