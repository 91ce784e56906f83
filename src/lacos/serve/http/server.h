// The server's connections: listens on an address, reads requests, hands them to a Handler and
// writes its replies. One thread does all input and output.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/serve/limits.h"
#include "lacos/serve/message.h"

namespace lacos::serve {

struct HttpServerOptions {
  std::string listen = "127.0.0.1:8080";  // see ParseListenAddress; port 0 takes a free one
  unsigned socket_mode = 0660;            // rights of a unix socket
  HttpLimits limits;
  std::string keys_file;  // see ApiKeys; empty: every request is accepted
  bool no_auth = false;   // allows an address that other machines reach without keys
  // Names besides those of the loopback interface that Host may have. They matter if the server
  // listens on a loopback address only; elsewhere every Host is accepted.
  std::vector<std::string> allow_hosts;
  std::vector<std::string> cors_origins;  // origins whose pages may read replies; "*": all
  std::string access_log;  // a file that gets one line of JSON a request; empty: none
};

class HttpServer {
 public:
  // Listens and starts to answer. Throws UserError for an address that cannot be used, for keys that
  // cannot be read, and for an address that other machines reach when there are no keys.
  HttpServer(const HttpServerOptions& options, std::shared_ptr<Handler> handler,
             std::shared_ptr<HttpStatistics> statistics);
  ~HttpServer();  // stops without waiting
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Checks what the constructor checks, without listening: before a model is loaded for nothing.
  static void Check(const HttpServerOptions& options);

  const std::string& url() const;  // "http://127.0.0.1:8080" or "unix:/run/lacos.sock"
  const std::vector<std::string>& notes() const;  // what the operator should hear

  // Reads the file of keys again. Requests that are being answered keep the key that they came with.
  // Throws UserError if the file is wrong; the old keys then stay.
  void ReloadKeys();
  // Opens the access log again, after it was renamed.
  void ReopenLog();

  // Tells the handler to drain and refuses new requests with 503. Returns when every request that
  // was admitted has been answered, or after `drain` (or when `hurry` returns true), and ends all
  // connections. Returns the number of admitted requests whose reply was not sent. A second call
  // returns 0.
  int64_t Stop(std::chrono::milliseconds drain, const std::function<bool()>& hurry = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacos::serve
