// What the connections of a server share, and one of them. Only server.cc and connection.cc include
// this file, because it includes Boost.Asio.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lacos/serve/http/access_log.h"
#include "lacos/serve/http/connection_memory.h"
#include "lacos/serve/http/head.h"
#include "lacos/serve/http/keys.h"
#include "lacos/serve/http/task.h"
#include "lacos/serve/http/worker.h"
#include "lacos/serve/message.h"

namespace lacos::serve {

// With this executor, operations take half of the memory that they take with one of any type.
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                boost::asio::io_context::executor_type>;
using Clock = std::chrono::steady_clock;

class Connection;

// Everything here is used by the thread of the connections only, except where noted.
struct Connections {
  boost::asio::io_context io{1};
  HeadRules rules;
  std::vector<std::string> cors_origins;
  std::shared_ptr<Handler> handler;
  std::shared_ptr<HttpStatistics> statistics;
  std::shared_ptr<const ApiKeys> keys;                              // null: no keys
  std::unique_ptr<AccessLog> log;                                   // null: no log
  std::unique_ptr<Worker> unpacking;                                // decompresses bodies
  std::vector<char> scratch = std::vector<char>(size_t{64} << 10);  // receives bytes for a moment
  bool draining = false;
  int64_t admitted = 0;     // requests that were handed over and whose reply has not been sent
  int64_t reply_bytes = 0;  // bytes of replies that clients have not taken yet
  uint64_t last_id = 0;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> open;

  const HttpLimits& limits() const { return rules.limits; }
};

// What a connection is doing, which decides how long it may take.
enum class Phase : uint8_t { kIdle, kHead, kBody, kWaiting, kWriting, kLingering, kClosed };

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `refused`: the connection is one too many and only gets a 503.
  Connection(std::shared_ptr<Connections> all, Socket socket, std::string peer, uint64_t id,
             bool refused);
  ~Connection();

  // Throws if memory is missing. End is called in any case.
  void Start();
  // Closes the connection, which is none of the server's from now on. May be called again.
  void End();
  // Called several times a second: ends what takes too long.
  void Tick(Clock::time_point now);
  // Ends a connection that waits for a request, or is in the middle of sending one.
  void EndUnlessAnswering();
  void Close();

  Phase phase() const { return phase_; }
  Clock::time_point phase_began() const { return phase_began_; }
  const std::string& peer() const { return peer_; }
  bool refused() const { return refused_; }

  std::function<void()> on_end;  // called once when the connection has ended

 private:
  struct Exchange;
  struct ReplyBox;
  class ReplySlot;
  struct Sleep;
  class Operation;
  class Readable;
  class SomeSent;

  static Detached Run(std::shared_ptr<Connection> self);
  Task<void> Serve();
  Task<bool> ServeOne(Exchange& exchange);
  Task<std::optional<size_t>> ReadHead(HttpRefusal& refusal);
  Task<bool> ReadMore(size_t at_most);
  Task<bool> ReadBody(Exchange& exchange, std::optional<HttpRefusal>& refusal);
  Task<bool> Unpack(Exchange& exchange, std::optional<HttpRefusal>& refusal);
  Task<HttpReply> Ask(Exchange& exchange);
  Task<bool> Answer(Exchange& exchange, HttpReply& reply);
  Task<bool> Write(const std::string& head, const std::string& body);
  Task<void> Linger();

  std::optional<HttpRefusal> ReadFields(size_t head_bytes, Exchange& exchange);
  std::optional<HttpReply> Preflight(const Exchange& exchange) const;
  std::optional<HttpReply> Authorize(Exchange& exchange) const;
  std::string FormatHead(const Exchange& exchange, const HttpReply& reply, bool keep_alive) const;
  std::optional<std::string> AllowedOrigin(const Exchange& exchange) const;
  void AddCors(const Exchange& exchange, HttpReply& reply) const;
  void Log(const Exchange& exchange, const HttpReply& reply, bool sent) const;

  void Enter(Phase phase, std::chrono::milliseconds time);
  void WatchForDeparture();
  void TakeReply();
  void Wake();
  // One of the rooms below, which lives as long as this connection.
  std::shared_ptr<ReservedMemory> Reserved(ReservedMemory& memory) {
    return {shared_from_this(), &memory};
  }

  std::shared_ptr<Connections> all_;
  Socket socket_;
  const std::string peer_;
  const uint64_t id_;
  const bool refused_;
  Phase phase_ = Phase::kIdle;
  Clock::time_point phase_began_, deadline_;
  bool expired_ = false;   // the deadline has passed and the operation was cancelled
  bool watching_ = false;  // an operation waits for the client to leave
  std::string input_;      // bytes that were received and not used yet
  int64_t body_received_ = 0;
  uint64_t requests_ = 0;
  // While a reply is awaited:
  std::coroutine_handle<> sleeping_;  // the coroutine that waits for Wake
  std::shared_ptr<ReplyBox> box_;
  std::optional<HttpReply> reply_;
  bool unpacked_ = false;
  std::shared_ptr<Abandoned> abandoned_;
  // What the coroutine waits for, the watch for the client's departure, and a call of Wake.
  ReservedMemory operation_memory_, watch_memory_, wake_memory_;
};

}  // namespace lacos::serve
