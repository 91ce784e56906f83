// How a connection reads a request: the head, the body, and what its compression hides.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <new>
#include <string_view>

#include "lacos/serve/http/connection_exchange.h"
#include "lacos/serve/http/content_coding.h"

namespace lacos::serve {

// A body on its way to the worker that decompresses it, and back.
struct UnpackJob {
  std::string body;
  std::optional<HttpRefusal> refusal;
  bool out_of_memory = false;
  ReservedMemory post;
};

namespace {

constexpr size_t kHeadStep = 4096, kBodyStep = size_t{64} << 10;

}  // namespace

// Bytes are received into memory that all connections share, and kept as many as there are. So a
// connection that waits has no buffer.
Task<bool> Connection::ReadMore(size_t at_most) {
  for (;;) {
    error_code error = co_await Readable(*this);
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
  request.request_id = NewRequestId();
  exchange.parser = std::make_unique<RequestParser>(all_->limits());
  const RequestParser& parser = *exchange.parser;
  auto refusal = exchange.parser->PutHead(std::string_view(input_).substr(0, head_bytes));
  input_.erase(0, head_bytes);
  if (refusal) return refusal;
  request.headers = parser.Fields();
  const auto find = [&](std::string_view name) {
    return std::string(FindField(request.headers, name).value_or(""));
  };
  if (const std::string id = find("x-request-id"); IsSaneRequestId(id)) request.request_id = id;
  exchange.user_agent = find("user-agent");
  exchange.traceparent = find("traceparent");
  exchange.method = request.method = parser.method();
  exchange.head_only = request.method == "HEAD";
  const std::optional<HttpTarget> target = ParseTarget(parser.target());
  if (parser.version() != 10 && parser.version() != 11) {
    return MakeRefusal(505, "http_version",
                       "[head] the version of HTTP is unknown; expected HTTP/1.1; use it");
  }
  exchange.http10 = parser.version() == 10;
  if (parser.IsUnknownMethod()) {
    HttpRefusal unknown = MakeRefusal(
        405, "unknown_method",
        "[method] is unknown here; expected GET, HEAD, POST, DELETE or OPTIONS; use one of them");
    unknown.headers = {{"allow", "GET, HEAD, POST, DELETE, OPTIONS"}};
    return unknown;
  }
  if (!target || (target->origin == "*" && request.method != "OPTIONS")) {
    return MakeRefusal(400, "bad_target",
                       "[target] found no path; expected one that begins with '/', or http:// with "
                       "a host; correct it");
  }
  request.target = target->origin;
  exchange.path = request.target.substr(0, request.target.find('?'));
  refusal = CheckFields(request.headers, parser.version(), target->authority, all_->rules,
                        exchange.framing);
  if (refusal) return refusal;
  const std::string coding = find("content-encoding");
  if (!IsIdentityCoding(coding) && !IsKnownCoding(coding)) {
    refusal = MakeRefusal(
        415, "content_encoding",
        "[content-encoding] found an unknown one; expected none or gzip; send the body so");
    refusal->headers.emplace_back("accept-encoding", "gzip");
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

// Reads the rest of the request into the exchange. Returns false if the client has gone, or with a
// refusal.
Task<bool> Connection::ReadBody(Exchange& exchange, std::optional<HttpRefusal>& refusal) {
  const HttpLimits& limits = all_->limits();
  RequestParser& parser = *exchange.parser;
  if (exchange.memory == nullptr) exchange.memory = std::make_shared<BodyMemory>(all_->statistics);
  Enter(Phase::kBody, limits.body_time);
  body_received_ = 0;
  if (exchange.framing.expects_continue && input_.empty() && exchange.framing.HasBody()) {
    static const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n", kNothing;
    if (!co_await Write(kContinue, kNothing)) co_return false;
    Enter(Phase::kBody, limits.body_time);
  }
  while (!parser.IsDone()) {
    if (!input_.empty()) {
      const size_t had = parser.BodySize();
      input_.erase(0, parser.PutBody(input_, refusal));
      exchange.memory->Add(static_cast<int64_t>(parser.BodySize() - had));
      if (!refusal && all_->statistics->body_bytes > limits.all_body_bytes) {
        refusal = MakeRefusal(503, "bodies_too_large",
                              "[body] the bodies that are being read have reached their limit; "
                              "expected a free moment; try again");
        refusal->headers.emplace_back("retry-after", "1");
      }
      if (refusal) co_return false;
      if (parser.IsDone()) break;
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
  exchange.body_bytes = parser.BodySize();
  exchange.request.body = parser.TakeBody();
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
  all_->unpacking->Post(
      [job, self = weak_from_this(), all = std::weak_ptr(all_), limit = all_->limits().body_bytes] {
        try {
          job->refusal = UnpackGzip(job->body, limit);
        } catch (const std::bad_alloc&) {
          job->out_of_memory = true;
        }
        const auto connections = all.lock();
        if (connections == nullptr) return;
        PostWithoutMemory(connections->io, {job, &job->post}, [self] {
          if (const auto here = self.lock()) {
            here->unpacked_ = true;
            here->Wake();
          }
        });
      });
  while (!unpacked_ && phase_ != Phase::kClosed) co_await Sleep{*this};
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

}  // namespace lacos::serve
