// A request and a reply of HTTP as plain values. The folder http/ turns bytes of a connection into
// them and back; everything else of the server is a Handler, which knows no sockets.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lacos {

// A key that a client may show, without the key itself. Limits that are absent do not apply.
struct ApiKey {
  std::string name;  // appears in the access log; the key never does
  bool admin = false;
  std::optional<double> texts_per_second, tokens_per_minute;
};

// Names are in lower case and are unique, except in the values of a repeated field.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

// The value of the first field with this lower-case name, or nothing.
inline std::optional<std::string_view> FindField(const HttpFields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return std::nullopt;
}

// Set by the connection when its client has gone: the reply will not be read by anybody.
using Abandoned = std::atomic<bool>;

struct HttpRequest {
  std::string method;  // upper case; HEAD arrives as GET, and the reply's body is not sent
  std::string target;  // path and query as sent, such as "/v1/models?limit=2"; begins with '/'
  HttpFields headers;
  std::string body;
  std::string request_id;   // the caller's X-Request-Id if it is sane, else one of ours
  std::string peer;         // the client's address without the port, or "unix"
  uint64_t connection = 0;  // different for each connection of the process
  std::chrono::steady_clock::time_point arrived;  // when the head was complete
  std::shared_ptr<const Abandoned> abandoned;
  std::shared_ptr<const ApiKey> key;  // the key that was accepted; null: none was needed
  // Counts the body against the limit of all bodies together until the last copy is gone. So who
  // keeps the body keeps this, and who has read it lets both go.
  std::shared_ptr<const void> body_memory;
};

struct HttpReply {
  int status = 200;
  HttpFields headers;  // x-request-id, date, content-length and connection are added by http/
  std::string content_type = "application/json";
  std::string body;
  bool close = false;  // whether the connection ends after this reply
  // Names and figures for the access log ("texts", "tokens", "queue_ms"), never texts of users.
  std::vector<std::pair<std::string, double>> log;
};

// A request that cannot be handed over, because HTTP itself refuses it.
struct HttpRefusal {
  int status = 400;
  std::string code;     // a word for programs, such as "body_too_large"
  std::string message;  // what was found, what was expected, what to do
  HttpFields headers;   // such as allow, www-authenticate, retry-after
  std::string target;   // decides the format of the error; empty if it could not be read
};

// What the connections are doing, for /metrics. Written by http/, read by anybody.
struct HttpStatistics {
  std::atomic<int64_t> connections_open{0};
  std::atomic<uint64_t> connections_accepted{0}, connections_refused{0};
  std::atomic<uint64_t> requests{0};   // heads that were read completely
  std::atomic<uint64_t> refusals{0};   // requests that HTTP refused (400, 401, 408, 413, ...)
  std::atomic<uint64_t> abandoned{0};  // clients that left before their reply
  std::atomic<int64_t> body_bytes{0};  // bytes of bodies that are being read now
  std::atomic<uint64_t> bytes_received{0}, bytes_sent{0};
};

// What answers requests. All functions may be called from the thread of the connections, so none of
// them blocks.
class Handler {
 public:
  using Send = std::function<void(HttpReply)>;

  virtual ~Handler() = default;

  // Whether this path wants a key, where the server has keys. Probes of health do not.
  virtual bool NeedsKey(std::string_view method, std::string_view path) const = 0;

  // A chance to refuse a request whose body has not been read (404, 405, 429, 503, ...). `head` has
  // no body. Returns nothing if the body should be read and the request handled.
  virtual std::optional<HttpReply> CheckHead(const HttpRequest& head) = 0;

  // Answers a request. `send` must be called exactly once, from any thread, now or later, also for a
  // request whose client has gone. If it is destroyed without having been called, the client gets a
  // 500. The body is never compressed: http/ has undone Content-Encoding.
  virtual void Handle(HttpRequest request, Send send) = 0;

  // The reply to a request that HTTP refuses, in the format of errors of its route.
  virtual HttpReply Refuse(const HttpRefusal& refusal) = 0;

  // The server is going to stop: /readyz and /health say 503 from now on, new work is refused, and
  // what was admitted is still answered. May be called several times.
  virtual void Drain() = 0;
};

}  // namespace lacos
