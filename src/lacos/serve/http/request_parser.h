// Beast's parser for one request, behind a class without Beast: what it reads, and what it refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lacos/serve/limits.h"
#include "lacos/serve/message.h"

namespace lacos::serve {

class RequestParser {
 public:
  explicit RequestParser(const HttpLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Reads a whole head, which HeadScanner has accepted. Returns the refusal if it is no HTTP/1.1.
  std::optional<HttpRefusal> PutHead(std::string_view head);
  // What the head says. `method` and `target` are as sent; names of fields are in lower case.
  std::string method() const;
  std::string target() const;
  bool IsUnknownMethod() const;  // none of HTTP's, or CONNECT, which is for proxies
  int version() const;           // 10 or 11
  bool keep_alive() const;
  HttpFields Fields() const;

  // Reads bytes of the body, and returns how many were used: the rest is the begin of a chunk's line,
  // or what follows the request. Sets `refusal` for a body that is malformed or too large.
  size_t PutBody(std::string_view bytes, std::optional<HttpRefusal>& refusal);
  bool IsDone() const;
  size_t BodySize() const;  // bytes that are kept
  std::string TakeBody();
  void DiscardBody();  // from now on the body is read and not kept

  // The most bytes of a line before a chunk, with its extensions.
  static constexpr size_t kMaxChunkLine = 1024;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A refusal with its message in four parts.
HttpRefusal MakeRefusal(int status, std::string code, std::string message);

}  // namespace lacos::serve
