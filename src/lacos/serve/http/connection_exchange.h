// One request on a connection, for the .cc files of Connection: what is known about it so far.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "lacos/serve/http/connection.h"
#include "lacos/serve/http/request_parser.h"

namespace lacos::serve {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

inline constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
inline constexpr auto kForever = std::chrono::hours(24 * 365);
inline constexpr int64_t kMaxDiscard = int64_t{1} << 20;  // bytes of an unwanted body that are read

// Counts the bytes of a body against the limit of all bodies until the body is released.
struct BodyMemory {
  explicit BodyMemory(std::shared_ptr<HttpStatistics> counts) : statistics(std::move(counts)) {}
  ~BodyMemory() { statistics->body_bytes -= bytes; }
  void Add(int64_t more) {
    bytes += more;
    statistics->body_bytes += more;
  }
  std::shared_ptr<HttpStatistics> statistics;
  int64_t bytes = 0;
};

struct Connection::Exchange {
  std::unique_ptr<RequestParser> parser;
  HttpRequest request;
  BodyFraming framing;
  bool parsed = false;  // whether the head was understood
  bool head_only = false;
  bool http10 = false;
  bool keep_alive = false;
  std::shared_ptr<BodyMemory> memory;
  // For the log, since the request is moved away.
  std::string method, path, key_name, user_agent, traceparent;
  uint64_t body_bytes = 0;
  Clock::time_point began = Clock::now();
};

// An id for a request whose caller gave none.
std::string NewRequestId();

}  // namespace lacos::serve
