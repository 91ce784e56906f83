// Heads of requests as they arrive at the server, and its file of keys: what is accepted is the same
// in pieces of any size, and every refusal is a status with a message.
#include <algorithm>

#include "lacos/base/error.h"
#include "lacos/io/json.h"
#include "lacos/serve/http/access_log.h"
#include "lacos/serve/http/address.h"
#include "lacos/serve/http/content_coding.h"
#include "lacos/serve/http/head.h"
#include "lacos/serve/http/keys.h"
#include "targets.h"

namespace lacos::fuzz {
namespace {

using namespace lacos::serve;

void RequireRefusal(const HttpRefusal& refusal) {
  Require(refusal.status >= 400 && refusal.status < 600 && !refusal.code.empty() &&
              !refusal.message.empty(),
          "a refusal has a status, a code and a message");
}

// The length of the head, 0 if it is incomplete, -1 if it is refused.
int64_t ScanIn(std::string_view bytes, size_t piece, const HttpLimits& limits) {
  HeadScanner scanner(limits);
  for (size_t n = std::min(piece, bytes.size());; n = std::min(n + piece, bytes.size())) {
    const std::optional<size_t> end = scanner.Scan(bytes.substr(0, n));
    if (!end) {
      RequireRefusal(scanner.refusal());
      return -1;
    }
    Require(*end <= n, "a head ends within the bytes");
    if (*end > 0) return static_cast<int64_t>(*end);
    if (n == bytes.size()) return 0;
  }
}

// Splits an accepted head as Beast does, and checks its fields.
void ReadFields(std::string_view head, const HeadRules& rules) {
  HttpFields fields;
  std::optional<std::string> authority;
  bool first = true;
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    if (first) {
      const size_t begin = line.find(' '), last = line.rfind(' ');
      if (begin != last && begin != std::string_view::npos) {
        if (const auto target = ParseTarget(line.substr(begin + 1, last - begin - 1))) {
          authority = target->authority;
          Require(target->origin == "*" || target->origin.starts_with('/'), "a target is a path");
        }
      }
      first = false;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    fields.emplace_back(ToLower(line.substr(0, colon)), std::string(line.substr(colon + 1)));
  }
  for (const int version : {10, 11}) {
    BodyFraming framing;
    if (const auto refusal = CheckFields(fields, version, authority, rules, framing)) {
      RequireRefusal(*refusal);
    } else {
      Require(!framing.chunked || !framing.length, "a body is framed in one way");
      Require(
          framing.length.value_or(0) >= 0 && framing.length.value_or(0) <= rules.limits.body_bytes,
          "a length is within its limit");
    }
  }
  const ApiKeys keys = ApiKeys::Parse("a " + std::string(64, '0'), "keys");
  Require(keys.Find(fields) == nullptr, "no text is known whose hash is zero");
}

}  // namespace

// An options byte, then a head, a file of keys, an address, or a gzip body.
void ServeHead(Input input) {
  const std::string_view text = Text(input);
  if (text.empty()) return;
  const auto choice = static_cast<unsigned char>(text[0]);
  const std::string_view rest = text.substr(1);
  if (choice % 4 == 1) {
    const ApiKeys keys = ApiKeys::Parse(rest, "keys");
    Require(keys.size() > 0, "a file of keys has keys");
  } else if (choice % 4 == 2) {
    const ListenAddress address = ParseListenAddress(rest);
    Require(
        address.IsUnix() || (address.port >= 0 && address.port <= 65535 && !address.host.empty()),
        "an address has a port");
  } else if (choice % 4 == 3) {
    std::string body(rest);
    constexpr int64_t kLimit = 1 << 20;
    if (const auto refusal = UnpackGzip(body, kLimit)) {
      RequireRefusal(*refusal);
    } else {
      Require(static_cast<int64_t>(body.size()) <= kLimit, "a body is within its limit");
    }
  } else {
    HeadRules rules;
    if ((choice & 4) != 0) rules.hosts = {"localhost"};
    if ((choice & 8) != 0) rules.limits.head_bytes = 200;
    const int64_t whole = ScanIn(rest, std::max<size_t>(rest.size(), 1), rules.limits);
    Require(ScanIn(rest, 1, rules.limits) == whole, "byte by byte the head is the same");
    if (whole > 0) ReadFields(rest.substr(0, static_cast<size_t>(whole)), rules);
    HostOf(rest);
    ParseTraceParent(rest);
    AccessEntry entry;
    entry.request_id = IsSaneRequestId(rest) ? std::string(rest) : "none";
    entry.method = entry.path = entry.user_agent = std::string(rest);
    const std::string line = FormatAccess(entry, 1'700'000'000'000);
    Require(line.find('\n') == line.size() - 1, "an entry of the log is one line");
    lacos::Json::Parse(line.substr(0, line.size() - 1), "log");
  }
}

}  // namespace lacos::fuzz
