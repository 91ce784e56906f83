#include "raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

namespace lacos {

RawClient::RawClient(const std::string& url) {
  int status = -1;
  if (url.starts_with("unix:")) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, url.c_str() + 5, sizeof(name.sun_path) - 1);
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    status = connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name));
  } else {
    const size_t colon = url.rfind(':');
    const auto port = htons(static_cast<uint16_t>(std::stoi(url.substr(colon + 1))));
    if (url.find('[') != std::string::npos) {
      sockaddr_in6 name{};
      name.sin6_family = AF_INET6;
      name.sin6_port = port;
      name.sin6_addr = in6addr_loopback;
      fd_ = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
      status = connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name));
    } else {
      sockaddr_in name{};
      name.sin_family = AF_INET;
      name.sin_port = port;
      name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      status = connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name));
    }
  }
  if (status != 0)
    throw std::runtime_error("cannot connect to " + url + ": " + std::strerror(errno));
}

RawClient::~RawClient() { Close(); }

void RawClient::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void RawClient::CloseSending() { shutdown(fd_, SHUT_WR); }

void RawClient::Reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Close();
}

bool RawClient::Wait(short events, int timeout_ms) const {
  pollfd state{.fd = fd_, .events = events, .revents = 0};
  return poll(&state, 1, timeout_ms) > 0;
}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!Wait(POLLOUT, 10'000)) return false;
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool RawClient::SendSlowly(std::string_view bytes, size_t piece, int pause_ms) {
  while (!bytes.empty()) {
    if (!Send(bytes.substr(0, piece))) return false;
    bytes.remove_prefix(std::min(piece, bytes.size()));
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  }
  return true;
}

RawReply RawClient::Read(int timeout_ms, bool no_body) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  const auto more = [&] {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() < 0 || !Wait(POLLIN, static_cast<int>(left.count()))) return false;
    char buffer[65536];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    received_.append(buffer, static_cast<size_t>(n));
    return true;
  };
  size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return {};
  }
  RawReply reply;
  reply.status = std::stoi(received_.substr(9, 3));
  size_t line = received_.find("\r\n") + 2;
  while (line < end + 2) {
    const size_t next = received_.find("\r\n", line);
    const size_t colon = received_.find(':', line);
    std::string name = received_.substr(line, colon - line);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    reply.fields[name] = received_.substr(colon + 2, next - colon - 2);
    line = next + 2;
  }
  received_.erase(0, end + 4);
  const bool bodiless = no_body || reply.status == 204 || reply.status == 100;
  const size_t length = bodiless ? 0 : std::stoul(reply.fields["content-length"]);
  while (received_.size() < length) {
    if (!more()) return {};
  }
  reply.body = received_.substr(0, length);
  received_.erase(0, length);
  return reply;
}

RawReply RawClient::Ask(std::string_view bytes, int timeout_ms) {
  Send(bytes);
  return Read(timeout_ms);
}

bool RawClient::EndsWithin(int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() < 0 || !Wait(POLLIN, static_cast<int>(left.count()))) return false;
    char buffer[65536];
    if (recv(fd_, buffer, sizeof(buffer), 0) <= 0) return true;
  }
}

std::string RawClient::ReadSome(int timeout_ms) {
  while (Wait(POLLIN, timeout_ms)) {
    char buffer[65536];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) break;
    received_.append(buffer, static_cast<size_t>(n));
  }
  return std::exchange(received_, {});
}

std::string Request(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& more_fields) {
  std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more_fields;
  if (!body.empty() || method == "POST") {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

}  // namespace lacos
