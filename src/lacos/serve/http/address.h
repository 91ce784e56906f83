// The address that a server listens on: parsing, opening and naming it. No Boost.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lacos/io/posix.h"

namespace lacos::serve {

struct ListenAddress {
  std::string host;  // a name or address without brackets; empty for a unix socket
  int port = 0;      // 0: a free one
  std::string path;  // of a unix socket

  bool IsUnix() const { return !path.empty(); }
};

// Reads "HOST:PORT", "[IPV6]:PORT", ":PORT" (127.0.0.1), "PORT" or "unix:PATH". Throws UserError for other
// forms.
ListenAddress ParseListenAddress(std::string_view text);

// Sockets that listen on an address; a name may stand for several.
struct Listening {
  std::vector<FileDescriptor> sockets;
  std::string url;           // "http://127.0.0.1:8080", or "unix:/run/lacos.sock"
  bool all_loopback = true;  // whether only this machine can reach it
  std::string unix_path;     // the file to remove at the end
};
// Resolves the name, binds and listens. With port 0 all sockets have the same free port. A unix
// socket file that no server uses any more is replaced; its mode is `socket_mode`. Throws UserError
// "[listen ADDRESS] ..." if the address is in use, unknown or not permitted.
Listening Listen(const ListenAddress& address, unsigned socket_mode);

// Whether only this machine can reach the address; a name is resolved. Throws as Listen does.
bool IsLoopback(const ListenAddress& address);

// Raises this process's limit of open files to `wanted` or as far as is permitted, and returns it.
int64_t RaiseFileLimit(int64_t wanted);

}  // namespace lacos::serve
