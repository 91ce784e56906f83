// One request on a connection, for the .cc files of Connection: what is known about it so far.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <coroutine>
#include <cstddef>
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

inline constexpr auto kForever = std::chrono::hours(24 * 365);
inline constexpr int64_t kMaxDiscard = int64_t{1} << 20;  // bytes of an unwanted body that are read

// To be awaited: waits for Wake.
struct Connection::Sleep {
  Connection& connection;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) const noexcept {
    connection.sleeping_ = coroutine;
  }
  void await_resume() const noexcept {}
};

// To be awaited: an operation of the socket. It needs no memory.
class Connection::Operation {
 public:
  bool await_ready() const noexcept { return false; }

 protected:
  explicit Operation(Connection& connection) : connection_(connection) {}
  // The handler that resumes the coroutine when the operation has ended.
  auto Resume(std::coroutine_handle<> coroutine) {
    return WithMemory(connection_.Reserved(connection_.operation_memory_),
                      [this, coroutine](error_code error, size_t bytes = 0) {
                        error_ = error;
                        bytes_ = bytes;
                        coroutine.resume();
                      });
  }

  Connection& connection_;
  error_code error_;
  size_t bytes_ = 0;
};

// Waits until there is something to receive.
class Connection::Readable : public Operation {
 public:
  explicit Readable(Connection& connection) : Operation(connection) {}
  void await_suspend(std::coroutine_handle<> coroutine) {
    connection_.socket_.async_wait(Socket::wait_read, Resume(coroutine));
  }
  error_code await_resume() const noexcept { return error_; }
};

// Sends some of the bytes, and gives how many. It always comes back to the event loop first, so that
// no client can keep the thread, nor make calls nest, by requests that are answered at once.
class Connection::SomeSent : public Operation {
 public:
  SomeSent(Connection& connection, const std::array<asio::const_buffer, 2>& bytes)
      : Operation(connection), left_(bytes) {}
  void await_suspend(std::coroutine_handle<> coroutine) {
    connection_.socket_.async_write_some(left_, Resume(coroutine));
  }
  std::pair<error_code, size_t> await_resume() const noexcept { return {error_, bytes_}; }

 private:
  const std::array<asio::const_buffer, 2> left_;
};

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
