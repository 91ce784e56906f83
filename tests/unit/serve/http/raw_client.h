// A client for tests that sends exactly the bytes it is told to, and can misbehave: send slowly, stop
// in the middle, close one direction, reset.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lacos {

struct RawReply {
  int status = 0;                             // 0: the connection ended without a complete reply
  std::map<std::string, std::string> fields;  // names in lower case; the last of repeated ones
  std::string body;
};

class RawClient {
 public:
  // Connects to "http://127.0.0.1:PORT", "http://[::1]:PORT" or "unix:PATH".
  explicit RawClient(const std::string& url);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Sends all bytes. Returns false if the server has closed the connection.
  bool Send(std::string_view bytes);
  // Sends bytes in pieces with pauses in between.
  bool SendSlowly(std::string_view bytes, size_t piece, int pause_ms);
  // Reads one reply with a Content-Length; waits at most `timeout_ms`. `no_body`: for HEAD.
  RawReply Read(int timeout_ms = 5000, bool no_body = false);
  // Send and Read.
  RawReply Ask(std::string_view bytes, int timeout_ms = 5000);
  // Whether the server ends the connection within the time; what it sends meanwhile is dropped.
  bool EndsWithin(int timeout_ms);
  // Reads whatever comes within the time.
  std::string ReadSome(int timeout_ms);

  void CloseSending();  // a half-close
  void Reset();         // the server sees "connection reset"
  void Close();
  int fd() const { return fd_; }

 private:
  bool Wait(short events, int timeout_ms) const;
  int fd_ = -1;
  std::string received_;
};

// A request with a Host, and a body if it is not empty.
std::string Request(const std::string& method, const std::string& target,
                    const std::string& body = "", const std::string& more_fields = "");

}  // namespace lacos
