#include "lacos/serve/http/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "lacos/base/error.h"

namespace lacos::serve {
namespace {

constexpr int kBacklog = 1024;

[[noreturn]] void FailForm(std::string_view text) {
  throw UserError(fmt::format(
      "[listen {}] is no address to listen on; expected HOST:PORT, [IPV6]:PORT or unix:PATH, such as "
      "127.0.0.1:8080; correct it",
      text));
}

std::string Name(const ListenAddress& address) {
  if (address.IsUnix()) return "unix:" + address.path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

[[noreturn]] void FailListen(const ListenAddress& address, int error) {
  const char* what = "check the address and its rights";
  if (error == EADDRINUSE)
    what = "end the other program, choose another port, or take port 0 for a free one";
  if (error == EACCES) what = "choose a port from 1024 up, or a folder that you may write to";
  if (error == EADDRNOTAVAIL) what = "choose an address of this machine";
  throw UserError(fmt::format(
      "[listen {}] could not listen there: {}; expected a free address of this machine; {}",
      Name(address), std::strerror(error), what));
}

int ParsePort(std::string_view text, std::string_view whole) {
  int port = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || port < 0 ||
      port > 65535)
    FailForm(whole);
  return port;
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList Resolve(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failure =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (failure != 0) {
    throw UserError(fmt::format(
        "[listen {}] the host has no address: {}; expected a name or address of this machine; correct it",
        Name(address), gai_strerror(failure)));
  }
  return {list, freeaddrinfo};
}

bool IsLoopbackAddress(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  if (address->sa_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  }
  return false;
}

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port)
                                       : ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

std::string NumericHost(const sockaddr* address, socklen_t size) {
  char host[NI_MAXHOST];
  if (getnameinfo(address, size, host, sizeof(host), nullptr, 0, NI_NUMERICHOST) != 0)
    return "localhost";
  return address->sa_family == AF_INET6 ? fmt::format("[{}]", host) : host;
}

FileDescriptor NewSocket(int family, const ListenAddress& address) {
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) FailListen(address, errno);
  return socket;
}

// Removes the file of a server that has ended. A living server, or a file of another kind, stays.
void RemoveStaleSocket(const ListenAddress& address, const sockaddr_un& name) {
  struct stat status {};
  if (lstat(address.path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) {
    throw UserError(fmt::format(
        "[listen {}] the path is a file of another kind; expected a free path or an old socket; choose another",
        Name(address)));
  }
  const FileDescriptor probe = NewSocket(AF_UNIX, address);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0 ||
      errno != ECONNREFUSED)
    FailListen(address, EADDRINUSE);
  unlink(address.path.c_str());
}

Listening ListenUnix(const ListenAddress& address, unsigned socket_mode) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof(name.sun_path)) {
    throw UserError(fmt::format(
        "[listen {}] the path has {} bytes; expected at most {} for a socket; choose a shorter one",
        Name(address), address.path.size(), sizeof(name.sun_path) - 1));
  }
  std::copy(address.path.begin(), address.path.end(), name.sun_path);
  RemoveStaleSocket(address, name);
  FileDescriptor socket = NewSocket(AF_UNIX, address);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0)
    FailListen(address, errno);
  // Nobody can connect before listen(), so nobody connects with other rights than these.
  if (chmod(address.path.c_str(), socket_mode) != 0 || listen(socket.get(), kBacklog) != 0)
    FailListen(address, errno);
  Listening listening;
  listening.sockets.push_back(std::move(socket));
  listening.url = Name(address);
  listening.unix_path = address.path;
  return listening;
}

}  // namespace

ListenAddress ParseListenAddress(std::string_view text) {
  ListenAddress address;
  if (text.starts_with("unix:")) {
    address.path = text.substr(5);
    if (address.path.empty()) FailForm(text);
    return address;
  }
  std::string_view rest = text;
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  const size_t colon = rest.rfind(':');
  std::string_view host =
      colon == std::string_view::npos ? std::string_view() : rest.substr(0, colon);
  address.port = ParsePort(colon == std::string_view::npos ? rest : rest.substr(colon + 1), text);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) FailForm(text);
  } else if (host.find_first_of(":[]/ ") != std::string_view::npos) {
    FailForm(text);
  }
  address.host = host.empty() ? "127.0.0.1" : host == "*" ? "::" : host;
  return address;
}

Listening Listen(const ListenAddress& given, unsigned socket_mode) {
  if (given.IsUnix()) return ListenUnix(given, socket_mode);
  Listening listening;
  ListenAddress address = given;
  const AddressList list = Resolve(address);
  int last_error = EADDRNOTAVAIL;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    FileDescriptor socket(
        ::socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.get() < 0) {  // such as IPv6 where the system has none
      last_error = errno;
      continue;
    }
    const int on = 1;
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (entry->ai_family == AF_INET6) {
      // "::" alone takes IPv4 too; beside an IPv4 socket of the same name it must not.
      const int only = list->ai_next != nullptr ? 1 : 0;
      setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    }
    sockaddr_storage name{};
    std::memcpy(&name, entry->ai_addr, entry->ai_addrlen);
    if (address.port != 0) {  // the port that the first socket took
      if (name.ss_family == AF_INET6)
        reinterpret_cast<sockaddr_in6*>(&name)->sin6_port =
            htons(static_cast<uint16_t>(address.port));
      else
        reinterpret_cast<sockaddr_in*>(&name)->sin_port =
            htons(static_cast<uint16_t>(address.port));
    }
    if (bind(socket.get(), reinterpret_cast<sockaddr*>(&name), entry->ai_addrlen) != 0 ||
        listen(socket.get(), kBacklog) != 0) {
      last_error = errno;
      if (last_error == EADDRNOTAVAIL || last_error == EAFNOSUPPORT) continue;
      FailListen(address, last_error);
    }
    if (listening.sockets.empty()) {
      address.port = PortOf(socket.get());
      const bool is_name = given.host.find_first_not_of("0123456789.:") != std::string::npos &&
                           given.host.find(':') == std::string::npos;
      listening.url = fmt::format(
          "http://{}:{}", is_name ? given.host : NumericHost(entry->ai_addr, entry->ai_addrlen),
          address.port);
    }
    listening.all_loopback &= IsLoopbackAddress(entry->ai_addr);
    listening.sockets.push_back(std::move(socket));
  }
  if (listening.sockets.empty()) FailListen(address, last_error);
  return listening;
}

bool IsLoopback(const ListenAddress& address) {
  if (address.IsUnix()) return true;
  const AddressList list = Resolve(address);
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    if (!IsLoopbackAddress(entry->ai_addr)) return false;
  }
  return true;
}

int64_t RaiseFileLimit(int64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto most = static_cast<rlim_t>(wanted);
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < most) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max == RLIM_INFINITY ? most : std::min(most, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur == RLIM_INFINITY ? wanted : static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace lacos::serve
