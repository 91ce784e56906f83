#include "lacos/serve/http/head.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace lacos::serve {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

HttpRefusal Refusal(int status, std::string code, std::string message) {
  return {.status = status,
          .code = std::move(code),
          .message = std::move(message),
          .headers = {},
          .target = {}};
}

bool IsIpV4Loopback(std::string_view host) {
  if (!host.starts_with("127.")) return false;
  int dots = 0;
  for (const char c : host) {
    if (c == '.')
      ++dots;
    else if (!IsDigit(c))
      return false;
  }
  return dots == 3;
}

}  // namespace

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::nullopt_t HeadScanner::Refuse(int status, std::string code, std::string message) {
  refusal_ = Refusal(status, std::move(code), std::move(message));
  return std::nullopt;
}

// Checks one line without its line end. Returns whether it is accepted.
bool HeadScanner::EndLine(std::string_view line) {
  const auto control = std::find_if(line.begin(), line.end(), IsControl);
  if (control != line.end()) {
    Refuse(
        400, "bad_head",
        fmt::format(
            "[head] found the control character 0x{:02x}; expected printable characters; remove it",
            static_cast<unsigned>(static_cast<unsigned char>(*control))));
    return false;
  }
  ++fields_;
  if (fields_ == 0) {
    const size_t begin = line.find(' ');
    const size_t end = line.rfind(' ');
    if (line.starts_with("PRI * HTTP/2")) {
      Refuse(
          505, "http_version",
          "[connection] it begins as HTTP/2; expected HTTP/1.1; put a proxy such as nginx or caddy in front");
      return false;
    }
    if (begin != std::string_view::npos && end > begin) {
      const std::string_view target = line.substr(begin + 1, end - begin - 1);
      if (static_cast<int64_t>(target.size()) > limits_->target_bytes) {
        Refuse(414, "target_too_long",
               fmt::format("[target] found {} bytes; expected at most {}; send a shorter URL",
                           target.size(), limits_->target_bytes));
        return false;
      }
    }
    return true;
  }
  if (line.starts_with(' ') || line.starts_with('\t')) {
    Refuse(
        400, "folded_field",
        "[head] a field continues on a second line; expected one line a field (RFC 9112, 5.2); join the lines");
    return false;
  }
  if (fields_ > limits_->fields) {
    Refuse(
        431, "too_many_fields",
        fmt::format("[head] found more than {} fields; expected fewer; send only those that matter",
                    limits_->fields));
    return false;
  }
  return true;
}

std::optional<size_t> HeadScanner::Scan(std::string_view bytes) {
  const auto limit = static_cast<size_t>(limits_->head_bytes);
  if (seen_ == 0 && !bytes.empty() && bytes[0] == '\x16') {
    return Refuse(
        400, "tls",
        "[connection] it begins as TLS; expected plain HTTP; use http:// or put a proxy in front that ends TLS");
  }
  while (seen_ < bytes.size()) {
    const size_t newline = bytes.find('\n', seen_);
    if (newline == std::string_view::npos) {
      seen_ = bytes.size();
      break;
    }
    seen_ = newline + 1;
    if (newline == line_begin_ || bytes[newline - 1] != '\r') {
      return Refuse(
          400, "bare_line_feed",
          "[head] a line ends with a line feed alone; expected carriage return and line feed; end lines so");
    }
    const std::string_view line = bytes.substr(line_begin_, newline - 1 - line_begin_);
    line_begin_ = seen_;
    if (line.empty() && fields_ >= 0) {
      if (seen_ > limit) break;
      return seen_;
    }
    if (!EndLine(line)) return std::nullopt;
  }
  if (seen_ > limit) {
    if (fields_ < 0) {
      return Refuse(
          414, "target_too_long",
          fmt::format(
              "[target] the request line has more than {} bytes; expected a target of at most {}; send a shorter URL",
              limit, limits_->target_bytes));
    }
    return Refuse(
        431, "head_too_large",
        fmt::format(
            "[head] found more than {} bytes; expected fewer; send only the fields that matter",
            limit));
  }
  return 0;
}

std::optional<HttpTarget> ParseTarget(std::string_view target) {
  if (target.starts_with('/') || target == "*")
    return HttpTarget{std::string(target), std::nullopt};
  const std::string scheme = ToLower(target.substr(0, std::min<size_t>(target.size(), 8)));
  const size_t begin = scheme.starts_with("http://") ? 7 : scheme == "https://" ? 8 : 0;
  if (begin == 0) return std::nullopt;
  const std::string_view rest = target.substr(begin);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.empty() || authority.find('@') != std::string_view::npos) return std::nullopt;
  std::string origin(rest.substr(end));
  if (!origin.starts_with('/')) origin.insert(0, 1, '/');
  return HttpTarget{std::move(origin), std::string(authority)};
}

std::optional<std::string> HostOf(std::string_view authority) {
  authority = Trim(authority);
  std::string_view host = authority, port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && port[0] != ':') return std::nullopt;
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
      return std::nullopt;
  } else {
    const size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
    for (const char c : host) {
      const bool fine = IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        c == '-' || c == '.' || c == '_';
      if (!fine) return std::nullopt;
    }
  }
  if (host.empty() || host.size() > 255) return std::nullopt;
  if (!port.empty()) {
    port.remove_prefix(1);
    if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
      return std::nullopt;
  }
  return ToLower(host);
}

bool IsLoopbackName(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         host == "0:0:0:0:0:0:0:1" || IsIpV4Loopback(host);
}

bool HasToken(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (ToLower(Trim(list.substr(0, comma))) == word) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

namespace {

std::optional<HttpRefusal> CheckHost(const HttpFields& fields, int version,
                                     const std::optional<std::string>& authority,
                                     const HeadRules& rules) {
  std::optional<std::string_view> given;
  for (const auto& [name, value] : fields) {
    if (name != "host") continue;
    if (given)
      return Refusal(400, "bad_host",
                     "[host] found two Host fields; expected one; remove the other");
    given = value;
  }
  if (!given && version >= 11)
    return Refusal(400, "bad_host",
                   "[host] found no Host; expected one, as HTTP/1.1 demands; add it");
  if (authority) given = *authority;
  if (!given || (given->empty() && rules.hosts.empty())) return std::nullopt;
  const std::optional<std::string> host = HostOf(*given);
  if (!host)
    return Refusal(
        400, "bad_host",
        "[host] found no name or address with an optional port; expected such as localhost:8080; correct it");
  if (rules.hosts.empty() ||
      std::find(rules.hosts.begin(), rules.hosts.end(), *host) != rules.hosts.end())
    return std::nullopt;
  if (IsLoopbackName(*host)) return std::nullopt;
  return Refusal(
      421, "unknown_host",
      "[host] found no name of this machine; expected localhost or an address of the loopback interface; name others in `allow_host` (this protects against DNS rebinding)");
}

}  // namespace

std::optional<HttpRefusal> CheckFields(const HttpFields& fields, int version,
                                       const std::optional<std::string>& authority,
                                       const HeadRules& rules, BodyFraming& framing) {
  if (auto refusal = CheckHost(fields, version, authority, rules)) return refusal;
  bool has_encoding = false;
  for (const auto& [name, value] : fields) {
    if (name == "transfer-encoding") {
      if (has_encoding || ToLower(Trim(value)) != "chunked") {
        return Refusal(
            501, "transfer_encoding",
            "[transfer-encoding] found something other than chunked; expected chunked or Content-Length; use one of them");
      }
      if (version < 11)
        return Refusal(
            400, "transfer_encoding",
            "[transfer-encoding] found one in a request of HTTP/1.0; expected Content-Length; use HTTP/1.1");
      has_encoding = true;
    } else if (name == "content-length") {
      if (framing.length)
        return Refusal(400, "bad_length",
                       "[content-length] found two; expected one; remove the other");
      int64_t length = -1;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
      if (value.empty() || !IsDigit(value[0]) || error != std::errc() ||
          end != value.data() + value.size()) {
        return Refusal(
            400, "bad_length",
            "[content-length] found no whole number; expected the bytes of the body; correct it");
      }
      framing.length = length;
    } else if (name == "expect") {
      if (ToLower(Trim(value)) != "100-continue")
        return Refusal(417, "expectation",
                       "[expect] found something unknown; expected 100-continue; remove it");
      framing.expects_continue = version >= 11;
    }
  }
  framing.chunked = has_encoding;
  if (has_encoding && framing.length)
    return Refusal(
        400, "bad_length",
        "[content-length] found it beside Transfer-Encoding; expected one of them; remove the other");
  if (framing.length.value_or(0) > rules.limits.body_bytes) {
    return Refusal(
        413, "body_too_large",
        fmt::format(
            "[body] found {} bytes; expected at most {}; send the texts in several requests",
            *framing.length, rules.limits.body_bytes));
  }
  return std::nullopt;
}

bool IsSaneRequestId(std::string_view id) {
  if (id.empty() || id.size() > 128) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._:/+=-").find(c) != std::string_view::npos;
  });
}

std::optional<TraceParent> ParseTraceParent(std::string_view text) {
  // "00-" 32 hexadecimal digits "-" 16 of them "-" 2 of them; later versions may have more parts.
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  if (text.size() > 55 && (text.starts_with("00") || text[55] != '-')) return std::nullopt;
  const auto is_hex = [](std::string_view part) {
    return part.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  TraceParent parent{std::string(text.substr(3, 32)), std::string(text.substr(36, 16)),
                     std::string(text.substr(53, 2))};
  const std::string_view version = text.substr(0, 2);
  if (!is_hex(version) || version == "ff" || !is_hex(parent.trace_id) ||
      !is_hex(parent.parent_id) || !is_hex(parent.flags))
    return std::nullopt;
  if (parent.trace_id.find_first_not_of('0') == std::string::npos) return std::nullopt;
  if (parent.parent_id.find_first_not_of('0') == std::string::npos) return std::nullopt;
  return parent;
}

}  // namespace lacos::serve
