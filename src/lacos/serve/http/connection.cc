// One connection as a coroutine: reads a request (connection_read.cc), asks the handler, writes the
// reply (connection_write.cc), and begins again.
//
// No co_await stands in an expression with temporaries of a conditional operator: g++ 12 destroys them
// twice.
#include "lacos/serve/http/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <memory>
#include <new>

#include "lacos/serve/http/connection_exchange.h"

namespace lacos::serve {

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

namespace {

constexpr milliseconds kRateGrace{2000};  // how long a body may be slow

}  // namespace

std::string NewRequestId() {
  // Unique among processes and requests; nothing depends on it being hard to guess.
  static const uint64_t kStart =
      static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) ^
      (static_cast<uint64_t>(getpid()) << 44);
  static std::atomic<uint64_t> count{0};
  return fmt::format("{:016x}-{:08x}", kStart, ++count);
}

// Where a reply lies until the thread of the connections takes it.
struct Connection::ReplyBox {
  HttpReply reply;
  std::atomic<bool> full{false};  // set after the reply
  ReservedMemory post;
};

// Carries one reply from whatever thread to the connection, exactly once.
class Connection::ReplySlot {
 public:
  ReplySlot(std::weak_ptr<Connections> all, std::weak_ptr<Connection> connection,
            std::shared_ptr<ReplyBox> box)
      : all_(std::move(all)), connection_(std::move(connection)), box_(std::move(box)) {}
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
    } catch (const std::bad_alloc&) {
      Send({.status = 503, .headers = {}, .content_type = "", .body = "", .log = {}});
    }
  }

  // Needs no memory of its own, so it cannot fail.
  void Send(HttpReply reply) {
    if (sent_.exchange(true)) return;
    box_->reply = std::move(reply);
    box_->full = true;
    const std::shared_ptr<Connections> all = all_.lock();
    if (all == nullptr) return;
    PostWithoutMemory(all->io, {box_, &box_->post}, [connection = connection_] {
      if (const auto here = connection.lock()) here->TakeReply();
    });
  }

 private:
  const std::weak_ptr<Connections> all_;
  const std::weak_ptr<Connection> connection_;
  const std::shared_ptr<ReplyBox> box_;
  std::atomic<bool> sent_{false};
};

Connection::Connection(std::shared_ptr<Connections> all, Socket socket, std::string peer,
                       uint64_t id, bool refused)
    : all_(std::move(all)),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      id_(id),
      refused_(refused) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  Enter(Phase::kIdle, all_->limits().head_time);
}

Connection::~Connection() = default;

void Connection::Start() { Run(shared_from_this()); }

Detached Connection::Run(std::shared_ptr<Connection> self) {
  try {
    co_await self->Serve();
  } catch (const std::exception&) {  // memory was short even for a refusal
  }
  self->End();
}

void Connection::End() {
  const std::shared_ptr<Connection> self = shared_from_this();
  Close();
  if (all_->open.erase(id_) == 0) return;
  if (!refused_) --all_->statistics->connections_open;
  if (on_end) on_end();
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

void Connection::Wake() {
  const std::coroutine_handle<> coroutine = std::exchange(sleeping_, nullptr);
  if (coroutine)
    PostWithoutMemory(all_->io, Reserved(wake_memory_), [coroutine] { coroutine.resume(); });
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
    exchange.request.request_id = NewRequestId();
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
    stopping.headers.emplace_back("retry-after", "5");
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
    if (early->close) exchange.parser->DiscardBody();
  }
  // A refusal. A short body that follows is read and dropped, so that the connection can go on.
  const bool unread = exchange.parsed && exchange.framing.HasBody() && !exchange.parser->IsDone();
  const bool skip = unread && !early->close && !exchange.framing.expects_continue &&
                    exchange.framing.length.value_or(kMaxDiscard + 1) <= kMaxDiscard;
  if (unread && !skip) early->close = true;
  HttpReply reply = *std::move(early);
  if (!co_await Answer(exchange, reply)) co_return false;
  if (skip) {
    exchange.parser->DiscardBody();
    std::optional<HttpRefusal> ignored;
    if (!co_await ReadBody(exchange, ignored)) co_return false;
    co_return exchange.keep_alive;
  }
  if (exchange.keep_alive) co_return true;
  co_await Linger();
  co_return false;
}

Task<HttpReply> Connection::Ask(Exchange& exchange) {
  abandoned_ = std::make_shared<Abandoned>(false);
  exchange.request.abandoned = abandoned_;
  exchange.request.body_memory = exchange.memory;
  exchange.memory.reset();
  exchange.parser.reset();
  reply_.reset();
  Enter(Phase::kWaiting, kForever);
  box_ = std::make_shared<ReplyBox>();
  auto slot = std::make_shared<ReplySlot>(all_, weak_from_this(), box_);
  // The origin is kept for the headers of CORS.
  HttpFields kept;
  if (const auto origin = FindField(exchange.request.headers, "origin"))
    kept.emplace_back("origin", *origin);
  const std::string id = exchange.request.request_id;
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
  while (!reply_ && phase_ != Phase::kClosed) co_await Sleep{*this};
  if (*abandoned_) ++all_->statistics->abandoned;
  abandoned_.reset();
  HttpReply reply = reply_ ? *std::move(reply_) : HttpReply{};
  reply_.reset();
  co_return reply;
}

void Connection::TakeReply() {
  if (phase_ != Phase::kWaiting || box_ == nullptr || !box_->full) return;
  reply_ = std::move(box_->reply);
  box_.reset();
  Wake();
}

// Notices that the client closes the connection while it waits for the reply. Bytes of a next request end
// the watch; Tick then goes on with it.
void Connection::WatchForDeparture() {
  if (watching_) return;
  const auto see = [this](error_code error) {
    watching_ = false;
    if (error || phase_ != Phase::kWaiting || abandoned_ == nullptr) return;
    char byte = 0;
    const ssize_t n = recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) *abandoned_ = true;
  };
  socket_.async_wait(Socket::wait_read, WithMemory(Reserved(watch_memory_), see));
  watching_ = true;
}

}  // namespace lacos::serve
