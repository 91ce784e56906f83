// Checks of a request's head that Beast's parser leaves to its user: folded lines, the number of
// fields, control characters, framing, the Host, the form of the target. Nothing here knows Beast
// or sockets, so a fuzzer can call all of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/serve/limits.h"
#include "lacos/serve/message.h"

namespace lacos::serve {

// Finds the end of a head in bytes that arrive in pieces, and refuses what no client of HTTP/1.1
// sends. Every byte is looked at once, however small the pieces are.
class HeadScanner {
 public:
  explicit HeadScanner(const HttpLimits& limits) : limits_(&limits) {}

  // `bytes` is everything since the begin of the head: what the call before saw, and more. Returns
  // the length of the head with its final empty line, 0 as long as that is missing, or nothing
  // if the head is refused.
  std::optional<size_t> Scan(std::string_view bytes);
  const HttpRefusal& refusal() const { return refusal_; }

 private:
  std::nullopt_t Refuse(int status, std::string code, std::string message);
  bool EndLine(std::string_view line);

  const HttpLimits* limits_;
  size_t seen_ = 0, line_begin_ = 0;
  int64_t fields_ = -1;  // the request line is not a field
  HttpRefusal refusal_;
};

// The target in origin form ("/path?query"), with the authority of a target in absolute form.
struct HttpTarget {
  std::string origin;
  std::optional<std::string> authority;
};
// Nothing if the target has neither of these forms. "*" stays as it is.
std::optional<HttpTarget> ParseTarget(std::string_view target);

// How the body of a request is framed.
struct BodyFraming {
  bool chunked = false;
  std::optional<int64_t> length;  // of Content-Length
  bool expects_continue = false;

  bool HasBody() const { return chunked || length.value_or(0) > 0; }
};

struct HeadRules {
  HttpLimits limits;
  // Names that Host may have, in lower case and without a port; empty: every name.
  std::vector<std::string> hosts;
};

// Checks the fields of a head that Beast has accepted: exactly one Host (HTTP/1.1) that the rules
// allow, Transfer-Encoding that is absent or "chunked", at most one Content-Length, Expect that can
// be met. `version` is 10 or 11. Returns the refusal, or nothing after it has filled `framing`.
std::optional<HttpRefusal> CheckFields(const HttpFields& fields, int version,
                                       const std::optional<std::string>& authority,
                                       const HeadRules& rules, BodyFraming& framing);

// The host of "host:port", "[::1]:port" or "host", in lower case and without brackets; nothing if
// the text has another form.
std::optional<std::string> HostOf(std::string_view authority);
// Whether a name or address in the form of HostOf means this machine: localhost, a name below it,
// 127.0.0.0/8 or ::1.
bool IsLoopbackName(std::string_view host);

// A caller's X-Request-Id is used if it has 1 to 128 characters of the set [A-Za-z0-9._:/+=-].
bool IsSaneRequestId(std::string_view id);

// The parts of a W3C traceparent of version 00, or nothing if it is malformed.
struct TraceParent {
  std::string trace_id, parent_id, flags;
};
std::optional<TraceParent> ParseTraceParent(std::string_view text);

// Whether a list such as "keep-alive, Upgrade" has this lower-case word.
bool HasToken(std::string_view list, std::string_view word);

std::string ToLower(std::string_view text);

}  // namespace lacos::serve
