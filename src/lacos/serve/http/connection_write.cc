// How a connection writes a reply, ends, and what the log says about it.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <string_view>

#include "lacos/serve/http/connection_exchange.h"
#include "lacos/serve/http/status.h"

namespace lacos::serve {
namespace {

constexpr milliseconds kLingerTime{1000};
constexpr size_t kDiscardStep = 4096;

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

// Whether the text is a list of names of fields as a browser sends it.
bool IsFieldList(std::string_view text) {
  return text.size() <= 4096 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("-_., ").find(c) != std::string_view::npos;
         });
}

}  // namespace

// The value of Access-Control-Allow-Origin for the request, or nothing if its origin may not read.
std::optional<std::string> Connection::AllowedOrigin(const Exchange& exchange) const {
  const std::vector<std::string>& origins = all_->cors_origins;
  const std::optional<std::string_view> origin = FindField(exchange.request.headers, "origin");
  if (!origin) return std::nullopt;
  if (std::find(origins.begin(), origins.end(), "*") != origins.end()) return "*";
  if (std::find(origins.begin(), origins.end(), *origin) == origins.end()) return std::nullopt;
  return std::string(*origin);
}

// The reply to a browser that asks whether a page of another origin may send a request.
std::optional<HttpReply> Connection::Preflight(const Exchange& exchange) const {
  const HttpFields& fields = exchange.request.headers;
  if (all_->cors_origins.empty() || exchange.request.method != "OPTIONS" ||
      !FindField(fields, "origin") || !FindField(fields, "access-control-request-method"))
    return std::nullopt;
  // A page of an origin that may read replies may also send what its client sends, such as the
  // x-stainless-... of OpenAI's client for browsers.
  const std::string_view wanted = FindField(fields, "access-control-request-headers").value_or("");
  const bool named = AllowedOrigin(exchange) && !wanted.empty() && IsFieldList(wanted);
  HttpReply reply{.status = 204, .headers = {}, .content_type = "", .body = "", .log = {}};
  reply.headers.emplace_back("access-control-allow-methods", "GET, POST, DELETE, OPTIONS");
  reply.headers.emplace_back(
      "access-control-allow-headers",
      named
          ? std::string(wanted)
          : "authorization, content-type, x-api-key, api-key, x-request-id, x-request-timeout-ms, traceparent");
  reply.headers.emplace_back("access-control-max-age", "600");
  return reply;
}

void Connection::AddCors(const Exchange& exchange, HttpReply& reply) const {
  if (all_->cors_origins.empty()) return;
  const std::optional<std::string> allowed = AllowedOrigin(exchange);
  if (allowed != "*") reply.headers.emplace_back("vary", "Origin");
  if (!allowed) return;
  reply.headers.emplace_back("access-control-allow-origin", *allowed);
  reply.headers.emplace_back(
      "access-control-expose-headers",
      "x-request-id, retry-after, retry-after-ms, x-should-retry, x-lacos-truncated, x-compute-type, "
      "x-compute-time, x-compute-characters, x-compute-tokens, x-total-time, x-tokenization-time, "
      "x-queue-time, x-inference-time");
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
  if (exchange.request.request_id.empty()) exchange.request.request_id = NewRequestId();
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
    const auto [error, n] = co_await SomeSent(*this, left);
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
  for (int64_t dropped = 0; dropped < kMaxDiscard; dropped += static_cast<int64_t>(input_.size())) {
    input_.clear();
    if (!co_await ReadMore(kDiscardStep)) co_return;
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
