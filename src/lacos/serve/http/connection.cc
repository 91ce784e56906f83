// One connection as a coroutine: reads a head and a body, asks the handler, writes the reply, and
// begins again. Beast parses; head.cc checks what Beast leaves to its user.
//
// No co_await stands in an expression with temporaries of a conditional operator: g++ 12 destroys them
// twice.
#include "lacos/serve/http/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <ctime>
#include <new>
#include <string_view>

#include "lacos/base/error.h"
#include "lacos/serve/http/content_coding.h"
#include "lacos/serve/http/status.h"

namespace lacos::serve {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;

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

// A body for Beast's parser: it is kept as a string, or only counted if nobody wants it. Memory is
// taken as bytes arrive, not as Content-Length promises them.
struct KeptBody {
  struct value_type {
    std::string text;
    bool discard = false;
  };
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(&body) {}
    void init(const boost::optional<uint64_t>&, error_code& error) { error = {}; }
    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      size_t n = 0;
      for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
           ++it) {
        const asio::const_buffer piece = *it;
        if (!body_->discard)
          body_->text.append(static_cast<const char*>(piece.data()), piece.size());
        n += piece.size();
      }
      error = {};
      return n;
    }
    void finish(error_code& error) { error = {}; }

   private:
    value_type* body_;
  };
};

// Counts a request as admitted until its reply has been written.
class Admission {
 public:
  explicit Admission(int64_t& count) : count_(count) { ++count_; }
  ~Admission() { --count_; }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

 private:
  int64_t& count_;
};

// A body on its way to the worker that decompresses it, and back.
struct UnpackJob {
  std::string body;
  std::optional<HttpRefusal> refusal;
  bool out_of_memory = false;
};

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kHeadStep = 4096, kBodyStep = size_t{64} << 10;
constexpr size_t kMaxChunkLine = 1024;             // bytes of a chunk's size and extensions
constexpr int64_t kMaxDiscard = int64_t{1} << 20;  // bytes of an unwanted body that are read
constexpr milliseconds kLingerTime{1000};
constexpr milliseconds kRateGrace{2000};  // how long a body may be slow
constexpr auto kForever = std::chrono::hours(24 * 365);

HttpRefusal MakeRefusal(int status, std::string code, std::string message) {
  return {.status = status,
          .code = std::move(code),
          .message = std::move(message),
          .headers = {},
          .target = {}};
}

HttpRefusal RefusalOf(const error_code& error, const HttpLimits& limits) {
  if (error == http::error::body_limit) {
    return MakeRefusal(
        413, "body_too_large",
        fmt::format(
            "[body] found more than {} bytes; expected fewer; send the texts in several requests",
            limits.body_bytes));
  }
  if (error == http::error::header_limit) {
    return MakeRefusal(
        431, "head_too_large",
        fmt::format(
            "[head] found more than {} bytes; expected fewer; send only the fields that matter",
            limits.head_bytes));
  }
  if (error == http::error::bad_version)
    return MakeRefusal(505, "http_version",
                       "[head] the version of HTTP is unknown; expected HTTP/1.1; use it");
  return MakeRefusal(
      400, "bad_request",
      fmt::format("[head] it is no HTTP/1.1: {}; expected a well-formed request; correct it",
                  error.message()));
}

std::string HexWord() {
  // Unique among processes and requests; nothing depends on it being hard to guess.
  static const uint64_t kStart =
      static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) ^
      (static_cast<uint64_t>(getpid()) << 44);
  static std::atomic<uint64_t> count{0};
  return fmt::format("{:016x}-{:08x}", kStart, ++count);
}

std::string HttpDate() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// Fields cannot end a line early, whatever a handler puts into them.
void AppendField(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  for (const char c : value) head += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  head += "\r\n";
}

}  // namespace

// One request and everything that is known about it.
struct Connection::Exchange {
  using Parser = http::request_parser<KeptBody>;
  std::unique_ptr<Parser> parser;
  HttpRequest request;
  BodyFraming framing;
  bool parsed = false;  // whether the head was understood
  bool head_only = false;
  bool http10 = false;
  bool keep_alive = false;
  std::shared_ptr<BodyMemory> memory;
  std::string method, path, key_name, user_agent,
      traceparent;  // for the log: the request is moved away
  uint64_t body_bytes = 0;
  Clock::time_point began = Clock::now();
  std::function<void(uint64_t, boost::beast::string_view, error_code&)> on_chunk;
};

// Carries one reply from whatever thread to the connection, exactly once.
class Connection::ReplySlot {
 public:
  ReplySlot(std::weak_ptr<Connections> all, std::weak_ptr<Connection> connection, uint64_t request)
      : all_(std::move(all)), connection_(std::move(connection)), request_(request) {}
  ReplySlot(const ReplySlot&) = delete;
  ReplySlot& operator=(const ReplySlot&) = delete;
  ~ReplySlot() {
    if (sent_) return;
    try {
      Send({.status = 500,
            .headers = {},
            .body =
                R"({"error":"the request was dropped inside the server","error_type":"Backend"})",
            .log = {}});
    } catch (const std::bad_alloc&) {  // the connection's client then sees its own time limit
    }
  }

  void Send(HttpReply reply) {
    if (sent_.exchange(true)) return;
    const std::shared_ptr<Connections> all = all_.lock();
    if (all == nullptr) return;
    asio::post(all->io,
               [connection = connection_, request = request_, reply = std::move(reply)]() mutable {
                 if (const auto here = connection.lock()) here->Deliver(std::move(reply), request);
               });
  }

 private:
  const std::weak_ptr<Connections> all_;
  const std::weak_ptr<Connection> connection_;
  const uint64_t request_;
  std::atomic<bool> sent_{false};
};

Connection::Connection(std::shared_ptr<Connections> all, Socket socket, std::string peer,
                       uint64_t id, bool refused)
    : all_(std::move(all)),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      id_(id),
      refused_(refused),
      wake_(all_->io) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  Enter(Phase::kIdle, all_->limits().head_time);
}

Connection::~Connection() = default;

void Connection::Start() {
  asio::co_spawn(
      all_->io, [self = shared_from_this()] { return self->Run(); }, asio::detached);
}

void Connection::Enter(Phase phase, milliseconds time) {
  phase_ = phase;
  phase_began_ = Clock::now();
  deadline_ = phase_began_ + time;
  expired_ = false;
}

void Connection::Tick(Clock::time_point now) {
  if (phase_ == Phase::kClosed) return;
  if (phase_ == Phase::kWaiting) {
    // The watch of WatchForDeparture does not see the end behind bytes of a next request.
    pollfd state{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
    if (poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0 &&
        abandoned_ != nullptr)
      *abandoned_ = true;
    return;
  }
  bool late = now >= deadline_;
  if (phase_ == Phase::kBody && now - phase_began_ > kRateGrace) {
    const auto elapsed = std::chrono::duration_cast<milliseconds>(now - phase_began_).count();
    late = late || body_received_ * 1000 < all_->limits().body_bytes_per_second * elapsed;
  }
  if (!late) return;
  expired_ = true;
  if (phase_ == Phase::kWriting || phase_ == Phase::kLingering || phase_ == Phase::kIdle) {
    Close();
    return;
  }
  // At every tick until the coroutine has seen it: bytes may have arrived just before.
  error_code ignored;
  socket_.cancel(ignored);
}

void Connection::EndUnlessAnswering() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kHead || phase_ == Phase::kBody ||
      phase_ == Phase::kLingering)
    Close();
}

void Connection::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  if (abandoned_ != nullptr) *abandoned_ = true;
  error_code ignored;
  socket_.close(ignored);
  Wake();
}

void Connection::Wake() { wake_.cancel(); }

Task<void> Connection::Run() {
  const std::shared_ptr<Connection> self = shared_from_this();
  try {
    co_await Serve();
  } catch (const std::bad_alloc&) {
  } catch (const boost::system::system_error&) {
  }
  Close();
  const std::shared_ptr<Connections> all = all_;
  all->open.erase(id_);
  if (!refused_) --all->statistics->connections_open;
  if (on_end) on_end();
}

Task<void> Connection::Serve() {
  if (refused_) {
    Exchange exchange;
    exchange.keep_alive = false;
    HttpRefusal refusal = MakeRefusal(
        503, "too_many_connections",
        "[connection] the server has as many as it may have; expected fewer; try again, or keep connections open and reuse them");
    refusal.headers.emplace_back("retry-after", "1");
    HttpReply reply = all_->handler->Refuse(refusal);
    reply.close = true;
    co_await Answer(exchange, reply);
    co_await Linger();
    co_return;
  }
  for (;;) {
    Exchange exchange;
    bool out_of_memory = false, more = false;
    try {
      more = co_await ServeOne(exchange);
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
    if (out_of_memory && phase_ != Phase::kClosed && phase_ != Phase::kWriting) {
      exchange.parser.reset();
      exchange.request = {};
      HttpReply reply = all_->handler->Refuse(MakeRefusal(
          503, "out_of_memory",
          "[memory] it ran out while the request was read; expected a free moment; try again later"));
      reply.close = true;
      co_await Answer(exchange, reply);
      co_await Linger();
    }
    if (!more) co_return;
  }
}

// Bytes are received into memory that all connections share, and kept as many as there are. So a
// connection that waits has no buffer.
Task<bool> Connection::ReadMore(size_t at_most) {
  for (;;) {
    const auto [gone] = co_await socket_.async_wait(Socket::wait_read, kAwait);
    error_code error = gone;
    size_t n = 0;
    if (!error) n = socket_.read_some(asio::buffer(all_->scratch, at_most), error);
    if (error == asio::error::would_block || error == asio::error::try_again) continue;
    if (error) co_return false;
    input_.append(all_->scratch.data(), n);
    all_->statistics->bytes_received += n;
    co_return true;
  }
}

// Returns the length of the head, 0 if the client has gone or was too slow before it began one, or
// nothing if `refusal` says what is wrong.
Task<std::optional<size_t>> Connection::ReadHead(HttpRefusal& refusal) {
  Enter(Phase::kIdle, requests_ == 0 ? all_->limits().head_time : all_->limits().idle_time);
  HeadScanner scanner(all_->limits());
  int empty_lines = 0;
  for (;;) {
    while (empty_lines < 4 && input_.starts_with("\r\n")) {  // RFC 9112, 2.2
      input_.erase(0, 2);
      ++empty_lines;
    }
    if (!input_.empty()) {
      if (phase_ == Phase::kIdle) {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now());
        Enter(Phase::kHead,
              requests_ == 0 ? std::min(left, all_->limits().head_time) : all_->limits().head_time);
      }
      const std::optional<size_t> end = input_ == "\r" ? 0 : scanner.Scan(input_);
      if (!end) {
        refusal = scanner.refusal();
        co_return std::nullopt;
      }
      if (*end > 0) co_return end;
    } else {
      std::string().swap(input_);  // nothing is kept while a connection idles
    }
    if (co_await ReadMore(kHeadStep)) continue;
    if (expired_ && phase_ == Phase::kHead) {
      refusal = MakeRefusal(
          408, "head_timeout",
          fmt::format("[head] it was not complete after {} s; expected it sooner; send it at once",
                      all_->limits().head_time.count() / 1000.0));
      co_return std::nullopt;
    }
    co_return 0;
  }
}

// Parses and checks the head, and fills the exchange.
std::optional<HttpRefusal> Connection::ReadFields(size_t head_bytes, Exchange& exchange) {
  ++all_->statistics->requests;
  exchange.began = Clock::now();
  HttpRequest& request = exchange.request;
  request.request_id = HexWord();
  exchange.parser = std::make_unique<Exchange::Parser>();
  Exchange::Parser& parser = *exchange.parser;
  parser.header_limit(static_cast<uint32_t>(all_->limits().head_bytes) + 1);
  parser.body_limit(boost::none);  // CheckFields and ReadBody know the limit
  error_code error;
  parser.put(asio::buffer(input_.data(), head_bytes), error);
  input_.erase(0, head_bytes);
  if (error && error != http::error::need_more) return RefusalOf(error, all_->limits());
  if (!parser.is_header_done())
    return MakeRefusal(400, "bad_request",
                       "[head] it is incomplete; expected a request of HTTP/1.1; correct it");

  const auto& message = parser.get();
  for (const auto& field : message)
    request.headers.emplace_back(
        ToLower(std::string_view(field.name_string().data(), field.name_string().size())),
        std::string(field.value().data(), field.value().size()));
  const auto find = [&](std::string_view name) {
    return std::string(FindField(request.headers, name).value_or(""));
  };
  if (const std::string id = find("x-request-id"); IsSaneRequestId(id)) request.request_id = id;
  exchange.user_agent = find("user-agent");
  exchange.traceparent = find("traceparent");
  request.method = std::string(message.method_string().data(), message.method_string().size());
  exchange.head_only = message.method() == http::verb::head;
  exchange.method = request.method;
  const std::string sent_target(message.target().data(), message.target().size());
  std::optional<HttpTarget> target = ParseTarget(sent_target);
  if (message.version() != 10 && message.version() != 11)
    return MakeRefusal(505, "http_version",
                       "[head] the version of HTTP is unknown; expected HTTP/1.1; use it");
  exchange.http10 = message.version() == 10;
  if (message.method() == http::verb::unknown || message.method() == http::verb::connect) {
    HttpRefusal unknown = MakeRefusal(
        405, "unknown_method",
        "[method] is unknown here; expected GET, HEAD, POST, DELETE or OPTIONS; use one of them");
    unknown.headers = {{"allow", "GET, HEAD, POST, DELETE, OPTIONS"}};
    return unknown;
  }
  if (!target || (target->origin == "*" && message.method() != http::verb::options)) {
    return MakeRefusal(
        400, "bad_target",
        "[target] found no path; expected one that begins with '/', or http:// with a host; correct it");
  }
  request.target = target->origin;
  exchange.path = request.target.substr(0, request.target.find('?'));
  if (auto refusal = CheckFields(request.headers, message.version(), target->authority, all_->rules,
                                 exchange.framing))
    return refusal;
  const std::string coding = find("content-encoding");
  if (!IsIdentityCoding(coding) && !IsKnownCoding(coding)) {
    HttpRefusal refusal = MakeRefusal(
        415, "content_encoding",
        "[content-encoding] found an unknown one; expected none or gzip; send the body so");
    refusal.headers.emplace_back("accept-encoding", "gzip");
    return refusal;
  }
  exchange.keep_alive = parser.keep_alive();
  exchange.parsed = true;
  if (exchange.head_only) request.method = "GET";
  request.peer = peer_;
  request.connection = id_;
  request.arrived = exchange.began;
  return std::nullopt;
}

std::optional<HttpReply> Connection::Authorize(Exchange& exchange) const {
  if (all_->keys == nullptr) return std::nullopt;
  exchange.request.key = all_->keys->Find(exchange.request.headers);
  if (exchange.request.key != nullptr) {
    exchange.key_name = exchange.request.key->name;
    return std::nullopt;
  }
  if (!all_->handler->NeedsKey(exchange.request.method, exchange.path)) return std::nullopt;
  HttpRefusal refusal = MakeRefusal(
      401, "invalid_api_key",
      "[authorization] found no key that is known here; expected 'Authorization: Bearer KEY', 'X-Api-Key: KEY' or 'api-key: KEY'; ask the operator for a key");
  refusal.headers.emplace_back("www-authenticate", "Bearer");
  refusal.target = exchange.request.target;
  return all_->handler->Refuse(refusal);
}

// The reply to a browser that asks whether a page of another origin may send a request.
std::optional<HttpReply> Connection::Preflight(const Exchange& exchange) const {
  const HttpFields& fields = exchange.request.headers;
  if (all_->cors_origins.empty() || exchange.request.method != "OPTIONS" ||
      !FindField(fields, "origin") || !FindField(fields, "access-control-request-method"))
    return std::nullopt;
  HttpReply reply{.status = 204, .headers = {}, .content_type = "", .body = "", .log = {}};
  reply.headers.emplace_back("access-control-allow-methods", "GET, POST, DELETE, OPTIONS");
  reply.headers.emplace_back(
      "access-control-allow-headers",
      "authorization, content-type, x-api-key, api-key, x-request-id, x-request-timeout-ms, traceparent");
  reply.headers.emplace_back("access-control-max-age", "600");
  return reply;
}

void Connection::AddCors(const Exchange& exchange, HttpReply& reply) const {
  const std::vector<std::string>& origins = all_->cors_origins;
  if (origins.empty()) return;
  const bool all = std::find(origins.begin(), origins.end(), "*") != origins.end();
  if (!all) reply.headers.emplace_back("vary", "Origin");
  const std::optional<std::string_view> origin = FindField(exchange.request.headers, "origin");
  if (!origin || (!all && std::find(origins.begin(), origins.end(), *origin) == origins.end()))
    return;
  reply.headers.emplace_back("access-control-allow-origin", all ? "*" : std::string(*origin));
  reply.headers.emplace_back("access-control-expose-headers",
                             "x-request-id, retry-after, retry-after-ms, x-lacos-truncated");
}

// Answers one request. Returns whether the connection goes on.
Task<bool> Connection::ServeOne(Exchange& exchange) {
  HttpRefusal head_refusal;
  const std::optional<size_t> head = co_await ReadHead(head_refusal);
  if (head && *head == 0) co_return false;
  ++requests_;
  std::optional<HttpRefusal> refusal;
  if (head) {
    refusal = ReadFields(*head, exchange);
  } else {
    refusal = std::move(head_refusal);
    exchange.request.request_id = HexWord();
  }
  std::optional<HttpReply> early;
  if (refusal) {
    ++all_->statistics->refusals;
    if (refusal->target.empty()) refusal->target = exchange.request.target;
    early = all_->handler->Refuse(*refusal);
    early->close = true;
  } else if ((early = Preflight(exchange))) {
  } else if ((early = Authorize(exchange))) {
    ++all_->statistics->refusals;
  } else if (all_->draining && all_->handler->NeedsKey(exchange.request.method, exchange.path)) {
    HttpRefusal stopping = MakeRefusal(
        503, "stopping", "[server] it is about to stop; expected another one; try again there");
    stopping.target = exchange.request.target;
    early = all_->handler->Refuse(stopping);
  } else if ((early = all_->handler->CheckHead(exchange.request))) {
  } else if (all_->statistics->body_bytes + exchange.framing.length.value_or(0) >
             all_->limits().all_body_bytes) {
    HttpRefusal full = MakeRefusal(
        503, "bodies_too_large",
        "[body] the bodies that are being read have reached their limit; expected a free moment; try again");
    full.target = exchange.request.target;
    full.headers.emplace_back("retry-after", "1");
    early = all_->handler->Refuse(full);
    ++all_->statistics->refusals;
  }
  if (!early) {
    std::optional<HttpRefusal> body_refusal;
    bool whole = co_await ReadBody(exchange, body_refusal);
    if (whole) whole = co_await Unpack(exchange, body_refusal);
    if (body_refusal) {
      ++all_->statistics->refusals;
      body_refusal->target = exchange.request.target;
      early = all_->handler->Refuse(*body_refusal);
      early->close = !whole;
    } else if (!whole) {
      co_return false;
    } else {
      const Admission admission(all_->admitted);
      HttpReply reply = co_await Ask(exchange);
      if (!co_await Answer(exchange, reply)) co_return false;
      co_return exchange.keep_alive;
    }
    if (early->close) exchange.parser->get().body().discard = true;
  }
  // A refusal. A short body that follows is read and dropped, so that the connection can go on.
  const bool unread = exchange.parsed && exchange.framing.HasBody() && !exchange.parser->is_done();
  const bool skip = unread && !early->close && !exchange.framing.expects_continue &&
                    exchange.framing.length.value_or(kMaxDiscard + 1) <= kMaxDiscard;
  if (unread && !skip) early->close = true;
  HttpReply reply = *std::move(early);
  if (!co_await Answer(exchange, reply)) co_return false;
  if (skip) {
    exchange.parser->get().body().discard = true;
    std::optional<HttpRefusal> ignored;
    if (!co_await ReadBody(exchange, ignored)) co_return false;
    co_return exchange.keep_alive;
  }
  if (exchange.keep_alive) co_return true;
  co_await Linger();
  co_return false;
}

// Reads the rest of the request into the exchange. Returns false if the client has gone, or with a
// refusal.
Task<bool> Connection::ReadBody(Exchange& exchange, std::optional<HttpRefusal>& refusal) {
  const HttpLimits& limits = all_->limits();
  Exchange::Parser& parser = *exchange.parser;
  if (exchange.memory == nullptr) exchange.memory = std::make_shared<BodyMemory>(all_->statistics);
  Enter(Phase::kBody, limits.body_time);
  body_received_ = 0;
  parser.eager(true);
  exchange.on_chunk = [](uint64_t, boost::beast::string_view extensions, error_code& error) {
    if (extensions.size() > kMaxChunkLine) error = http::error::bad_chunk_extension;
  };
  if (exchange.framing.chunked) parser.on_chunk_header(exchange.on_chunk);
  if (exchange.framing.expects_continue && input_.empty() && exchange.framing.HasBody()) {
    static const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n", kNothing;
    if (!co_await Write(kContinue, kNothing)) co_return false;
    Enter(Phase::kBody, limits.body_time);
  }
  KeptBody::value_type& body = parser.get().body();
  while (!parser.is_done()) {
    if (!input_.empty()) {
      const size_t had = body.text.size();
      error_code error;
      const size_t used = parser.put(asio::buffer(input_), error);
      input_.erase(0, used);
      const auto added = static_cast<int64_t>(body.text.size() - had);
      exchange.memory->Add(added);
      if (error == http::error::need_more) error = {};
      if (error) {
        refusal = RefusalOf(error, limits);
        co_return false;
      }
      if (static_cast<int64_t>(body.text.size()) > limits.body_bytes) {
        refusal = RefusalOf(http::error::body_limit, limits);
        co_return false;
      }
      if (all_->statistics->body_bytes > limits.all_body_bytes) {
        refusal = MakeRefusal(
            503, "bodies_too_large",
            "[body] the bodies that are being read have reached their limit; expected a free moment; try again");
        refusal->headers.emplace_back("retry-after", "1");
        co_return false;
      }
      if (parser.is_done()) break;
      // What the parser leaves is the begin of a chunk's line or of a field after the last chunk.
      if (input_.size() > kMaxChunkLine) {
        refusal = MakeRefusal(
            400, "bad_chunk",
            fmt::format(
                "[body] the line before a chunk has more than {} bytes; expected its size and little more; send no extensions",
                kMaxChunkLine));
        co_return false;
      }
    }
    const size_t before = input_.size();
    if (!co_await ReadMore(kBodyStep)) {
      if (expired_) {
        refusal = MakeRefusal(
            408, "body_timeout",
            fmt::format(
                "[body] it was not complete after {} s, or came at less than {} bytes/s; expected it sooner; send it at once",
                limits.body_time.count() / 1000.0, limits.body_bytes_per_second));
      }
      co_return false;
    }
    body_received_ += static_cast<int64_t>(input_.size() - before);
  }
  exchange.body_bytes = body.text.size();
  exchange.request.body = std::move(body.text);
  co_return true;
}

// Decompresses a body on the worker. Returns false with a refusal, whose connection goes on, since the
// body has been read.
Task<bool> Connection::Unpack(Exchange& exchange, std::optional<HttpRefusal>& refusal) {
  if (exchange.request.body.empty() ||
      IsIdentityCoding(FindField(exchange.request.headers, "content-encoding").value_or("")))
    co_return true;
  const auto job = std::make_shared<UnpackJob>();
  job->body = std::move(exchange.request.body);
  const auto packed = static_cast<int64_t>(job->body.size());
  Enter(Phase::kWaiting, kForever);
  wake_.expires_after(kForever);
  all_->unpacking->Post(
      [job, self = weak_from_this(), all = std::weak_ptr(all_), limit = all_->limits().body_bytes] {
        try {
          job->refusal = UnpackGzip(job->body, limit);
        } catch (const std::bad_alloc&) {
          job->out_of_memory = true;
        }
        if (const auto connections = all.lock()) {
          asio::post(connections->io, [self] {
            if (const auto here = self.lock()) {
              here->unpacked_ = true;
              here->Wake();
            }
          });
        }
      });
  while (!unpacked_ && phase_ != Phase::kClosed) {
    co_await wake_.async_wait(kAwait);
    wake_.expires_after(kForever);
  }
  unpacked_ = false;
  if (phase_ == Phase::kClosed) co_return false;
  if (job->out_of_memory) throw std::bad_alloc();
  if (job->refusal) {
    refusal = job->refusal;
    co_return true;
  }
  exchange.request.body = std::move(job->body);
  exchange.memory->Add(static_cast<int64_t>(exchange.request.body.size()) - packed);
  co_return true;
}

Task<HttpReply> Connection::Ask(Exchange& exchange) {
  abandoned_ = std::make_shared<Abandoned>(false);
  exchange.request.abandoned = abandoned_;
  exchange.request.body_memory = exchange.memory;
  exchange.memory.reset();
  exchange.parser.reset();
  reply_.reset();
  Enter(Phase::kWaiting, kForever);
  auto slot = std::make_shared<ReplySlot>(all_, weak_from_this(), requests_);
  // The origin is kept for the headers of CORS.
  HttpFields kept;
  if (const auto origin = FindField(exchange.request.headers, "origin"))
    kept.emplace_back("origin", *origin);
  const std::string id = exchange.request.request_id;
  wake_.expires_after(kForever);
  bool failed = false;
  try {
    all_->handler->Handle(std::move(exchange.request),
                          [slot](HttpReply reply) { slot->Send(std::move(reply)); });
  } catch (const std::exception&) {
    failed = true;
  }
  exchange.request = {};
  exchange.request.headers = std::move(kept);
  exchange.request.request_id = id;
  if (failed) {
    slot->Send(all_->handler->Refuse(MakeRefusal(
        503, "out_of_memory",
        "[memory] the request could not be taken; expected a server with memory to spare; try again later")));
  }
  slot.reset();  // from here on only the handler has it
  WatchForDeparture();
  while (!reply_ && phase_ != Phase::kClosed) {
    co_await wake_.async_wait(kAwait);
    wake_.expires_after(kForever);
  }
  if (*abandoned_) ++all_->statistics->abandoned;
  abandoned_.reset();
  HttpReply reply = reply_ ? *std::move(reply_) : HttpReply{};
  reply_.reset();
  co_return reply;
}

void Connection::Deliver(HttpReply reply, uint64_t request) {
  if (request != requests_ || phase_ != Phase::kWaiting || reply_) return;
  reply_ = std::move(reply);
  Wake();
}

// Notices that the client closes the connection while it waits for the reply. Bytes of a next request end
// the watch; Tick then goes on with it.
void Connection::WatchForDeparture() {
  if (watching_) return;
  watching_ = true;
  socket_.async_wait(Socket::wait_read, [self = weak_from_this()](error_code error) {
    const auto here = self.lock();
    if (here == nullptr) return;
    here->watching_ = false;
    if (error || here->phase_ != Phase::kWaiting || here->abandoned_ == nullptr) return;
    char byte = 0;
    const ssize_t n = recv(here->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) *here->abandoned_ = true;
  });
}

std::string Connection::FormatHead(const Exchange& exchange, const HttpReply& reply,
                                   bool keep_alive) const {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", reply.status, StatusPhrase(reply.status));
  AppendField(head, "Date", HttpDate());
  AppendField(head, "Server", "lacos");
  if (!reply.content_type.empty()) AppendField(head, "Content-Type", reply.content_type);
  if (reply.status != 204 && reply.status != 304)
    AppendField(head, "Content-Length", std::to_string(reply.body.size()));
  AppendField(head, "X-Content-Type-Options", "nosniff");
  AppendField(head, "X-Request-Id", exchange.request.request_id);
  for (const auto& [name, value] : reply.headers) AppendField(head, name, value);
  if (!keep_alive) AppendField(head, "Connection", "close");
  if (keep_alive && exchange.http10) AppendField(head, "Connection", "keep-alive");
  head += "\r\n";
  return head;
}

// Writes a reply. Returns false if it could not be written as a whole.
Task<bool> Connection::Answer(Exchange& exchange, HttpReply& reply) {
  if (phase_ == Phase::kClosed) {
    Log(exchange, reply, false);
    co_return false;
  }
  if (exchange.request.request_id.empty()) exchange.request.request_id = HexWord();
  if (reply.close || all_->draining || !exchange.parsed) exchange.keep_alive = false;
  AddCors(exchange, reply);
  const std::string head = FormatHead(exchange, reply, exchange.keep_alive);
  const bool has_body = !exchange.head_only && reply.status != 204 && reply.status != 304;
  const auto bytes = static_cast<int64_t>(head.size() + reply.body.size());
  all_->reply_bytes += bytes;
  if (!has_body) reply.body.clear();
  const bool sent = co_await Write(head, reply.body);
  all_->reply_bytes -= bytes;
  Log(exchange, reply, sent);
  co_return sent;
}

// The time limit is renewed whenever the client has taken some bytes.
Task<bool> Connection::Write(const std::string& head, const std::string& body) {
  Enter(Phase::kWriting, all_->limits().write_time);
  const size_t size = head.size() + body.size();
  size_t done = 0;
  while (done < size) {
    std::array<asio::const_buffer, 2> left;
    if (done < head.size()) {
      left = {asio::buffer(head) + done, asio::buffer(body)};
    } else {
      left = {asio::buffer(body) + (done - head.size()), asio::const_buffer()};
    }
    const auto [error, n] = co_await socket_.async_write_some(left, kAwait);
    if (error) co_return false;
    done += n;
    all_->statistics->bytes_sent += n;
    deadline_ = Clock::now() + all_->limits().write_time;
  }
  co_return true;
}

// Ends a connection whose client may still be sending: a close would reset it, and the client would
// never see the reply (RFC 9112, 9.6).
Task<void> Connection::Linger() {
  if (phase_ == Phase::kClosed) co_return;
  Enter(Phase::kLingering, kLingerTime);
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  std::string().swap(input_);
  std::array<char, 4096> dropped;
  int64_t total = 0;
  while (total < kMaxDiscard) {
    const auto [error, n] = co_await socket_.async_read_some(asio::buffer(dropped), kAwait);
    if (error) co_return;
    total += static_cast<int64_t>(n);
  }
}

void Connection::Log(const Exchange& exchange, const HttpReply& reply, bool sent) const {
  if (all_->log == nullptr) return;
  AccessEntry entry;
  entry.request_id = exchange.request.request_id;
  entry.peer = peer_;
  entry.method = exchange.method;
  entry.path = exchange.path;
  entry.key_name = exchange.key_name;
  entry.user_agent = exchange.user_agent;
  if (const std::optional<TraceParent> trace = ParseTraceParent(exchange.traceparent)) {
    entry.trace_id = trace->trace_id;
    entry.parent_id = trace->parent_id;
  }
  entry.status = reply.status;
  entry.bytes_received = exchange.body_bytes;
  entry.bytes_sent = sent ? reply.body.size() : 0;
  entry.total_ms = std::chrono::duration<double, std::milli>(Clock::now() - exchange.began).count();
  entry.sent = sent;
  entry.figures = reply.log;
  all_->log->Write(entry);
}

}  // namespace lacos::serve
