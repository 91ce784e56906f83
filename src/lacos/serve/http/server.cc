#include "lacos/serve/http/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "lacos/base/error.h"
#include "lacos/base/thread.h"
#include "lacos/serve/http/address.h"
#include "lacos/serve/http/connection.h"

namespace lacos::serve {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kTick{100};
constexpr milliseconds kAcceptPause{100};  // after the system has refused a connection
constexpr int64_t kMaxRefused = 256;       // connections beyond the limit that still get a 503
constexpr int64_t kOtherFiles = 256;       // descriptors of everything but connections
constexpr int64_t kMaxReplyBytes = int64_t{256} << 20;

// The client's address without its port, and whether it is this machine.
struct Peer {
  std::string address;
  bool local = true;
};

Peer PeerOf(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return {text, (ntohl(v4.sin_addr.s_addr) >> 24) == 127};
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof(text));
      return {text, v6.sin6_addr.s6_addr[12] == 127};
    }
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return {text, IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0};
  }
  return {"unix", true};
}

// What is limited together: an IPv4 address, or the /64 network of an IPv6 address, all of whose
// addresses one client may have.
std::string LimitedAs(const std::string& address) {
  if (address.find(':') == std::string::npos) return address;
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return address;
  std::fill(v6.s6_addr + 8, v6.s6_addr + 16, uint8_t{0});
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &v6, text, sizeof(text));
  return text;
}

std::shared_ptr<const ApiKeys> ReadKeys(const HttpServerOptions& options) {
  if (options.keys_file.empty()) return nullptr;
  return std::make_shared<const ApiKeys>(ApiKeys::ReadFile(options.keys_file));
}

void CheckReach(const HttpServerOptions& options, bool loopback) {
  if (loopback || !options.keys_file.empty() || options.no_auth) return;
  throw UserError(fmt::format(
      "[listen {}] other machines can reach this address, and every request would be accepted; expected keys or an address of the loopback interface; give a file of keys (`api_keys`), "
      "or `no_auth` if everybody who reaches it may use it",
      options.listen));
}

// The names that a Host may have, as HostOf returns them; "*" stays.
std::vector<std::string> ReadHosts(const std::vector<std::string>& names) {
  std::vector<std::string> hosts;
  for (const std::string& name : names) {
    const std::optional<std::string> host = name == "*" ? name : HostOf(name);
    if (!host) {
      throw UserError(fmt::format(
          "[allow_host {}] is no name of a host; expected such as embeddings.example, or * for all; "
          "correct it",
          name));
    }
    hosts.push_back(*host);
  }
  return hosts;
}

// The origins whose pages may read replies, as browsers write them; "*" stays.
std::vector<std::string> ReadOrigins(const std::vector<std::string>& texts) {
  std::vector<std::string> origins;
  for (const std::string& text : texts) {
    const size_t colon = text.find("://");
    const bool is_origin = text == "*" || text == "null" ||
                           (colon != std::string::npos && colon > 0 &&
                            HostOf(std::string_view(text).substr(colon + 3)));
    if (!is_origin) {
      throw UserError(fmt::format(
          "[cors {}] is no origin; expected a scheme, a host and perhaps a port, such as "
          "https://app.example, without a path or a slash at the end, or * for all; correct it",
          text));
    }
    origins.push_back(ToLower(text));
  }
  return origins;
}

}  // namespace

struct HttpServer::State {
  HttpServerOptions options;
  std::shared_ptr<Connections> all = std::make_shared<Connections>();
  Listening listening;
  std::vector<Socket> acceptors;  // only waited for; accept4 is called directly
  std::vector<std::string> notes;
  asio::executor_work_guard<asio::io_context::executor_type> work{all->io.get_executor()};
  asio::steady_timer tick{all->io};
  std::unordered_map<std::string, int64_t> of_address;
  int64_t refused_open = 0;
  std::vector<bool> accepting;  // of each acceptor: whether it will go on to accept
  bool ticking = false;         // whether the next tick will come
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  bool drained = false;
  bool stopped = false;
  bool ending = false;  // no timer is started any more

  State(const HttpServerOptions& given, std::shared_ptr<Handler> handler,
        std::shared_ptr<HttpStatistics> statistics);
  void Accept(size_t index);
  void AcceptAll(size_t index);
  void Open(int fd, const sockaddr_storage& address);
  void Tick();
  void EndLate();
  void Resume();
  void Loop();
  // Runs the function on the thread of the connections and waits. Throws what it throws, and nothing
  // else.
  template <class F>
  void OnThread(const F& function);
  bool Answering() const;
};

HttpServer::State::State(const HttpServerOptions& given, std::shared_ptr<Handler> handler,
                         std::shared_ptr<HttpStatistics> statistics)
    : options(given) {
  all->keys = ReadKeys(options);
  const ListenAddress address = ParseListenAddress(options.listen);
  CheckReach(options, IsLoopback(address));
  const int64_t wanted = options.limits.connections + kMaxRefused + kOtherFiles;
  const int64_t files = RaiseFileLimit(wanted);
  if (files < wanted) {
    const int64_t most =
        std::max<int64_t>(8, files - kOtherFiles - std::min<int64_t>(kMaxRefused, files / 4));
    if (most < options.limits.connections) {
      notes.push_back(fmt::format(
          "the system permits {} open files, so at most {} connections are accepted instead of {}; raise `ulimit -Hn`",
          files, most, options.limits.connections));
      options.limits.connections = most;
    }
  }
  if (!options.access_log.empty()) all->log = std::make_unique<AccessLog>(options.access_log);
  listening = Listen(address, options.socket_mode);
  CheckReach(options, listening.all_loopback);
  all->rules.limits = options.limits;
  if (listening.all_loopback && !address.IsUnix()) {
    all->rules.hosts = ReadHosts(options.allow_hosts);
    if (std::find(all->rules.hosts.begin(), all->rules.hosts.end(), "*") != all->rules.hosts.end())
      all->rules.hosts.clear();
    else
      all->rules.hosts.push_back("localhost");
  }
  all->cors_origins = ReadOrigins(options.cors_origins);
  all->handler = std::move(handler);
  all->statistics = std::move(statistics);
  all->unpacking = std::make_unique<Worker>();
  for (FileDescriptor& socket : listening.sockets) {
    sockaddr_storage name{};
    socklen_t size = sizeof(name);
    getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
    acceptors.emplace_back(all->io, asio::generic::stream_protocol(name.ss_family, 0),
                           socket.Release());
  }
  accepting.resize(acceptors.size());
  const SignalsBlocked signals_blocked;
  thread = std::thread([this] { Loop(); });
}

void HttpServer::State::Loop() {
  for (;;) {
    try {
      Resume();
      all->io.run();
      return;
    } catch (const std::exception&) {  // memory for an operation was short: the others go on
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
}

// Starts what repeats itself, also after an exception has ended it.
void HttpServer::State::Resume() {
  for (size_t i = 0; i < acceptors.size(); ++i) {
    if (!accepting[i] && acceptors[i].is_open()) Accept(i);
  }
  if (!ticking && !ending) Tick();
}

void HttpServer::State::Accept(size_t index) {
  acceptors[index].async_wait(Socket::wait_read, [this, index](error_code error) {
    accepting[index] = false;
    if (error || !acceptors[index].is_open()) return;
    AcceptAll(index);
  });
  accepting[index] = true;
}

void HttpServer::State::AcceptAll(size_t index) {
  for (int i = 0; i < 64; ++i) {  // then the connections that there are get their turn
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const int fd = accept4(acceptors[index].native_handle(), reinterpret_cast<sockaddr*>(&address),
                           &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      // No descriptor or no memory is left: waiting again at once would spin.
      const auto pause = std::make_shared<asio::steady_timer>(all->io, kAcceptPause);
      pause->async_wait([this, index, pause](error_code) {
        accepting[index] = false;
        if (acceptors[index].is_open()) Accept(index);
      });
      accepting[index] = true;
      return;
    }
    try {
      Open(fd, address);
    } catch (const std::exception&) {  // out of memory; Open has closed the descriptor
    }
  }
  Accept(index);
}

void HttpServer::State::Open(int fd, const sockaddr_storage& address) {
  FileDescriptor owner(fd);
  const Peer peer = PeerOf(address);
  HttpStatistics& statistics = *all->statistics;
  bool refused = statistics.connections_open >= options.limits.connections;
  const std::string limited = peer.local ? "" : LimitedAs(peer.address);
  if (!refused && !peer.local)
    refused = of_address[limited] >= options.limits.connections_per_address;
  if (refused) {
    ++statistics.connections_refused;
    if (refused_open >= kMaxRefused) return;
  }
  if (address.ss_family != AF_UNIX) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  }
  const uint64_t id = ++all->last_id;
  Socket socket(all->io, asio::generic::stream_protocol(address.ss_family, 0), fd);
  owner.Release();
  const auto connection =
      std::make_shared<Connection>(all, std::move(socket), peer.address, id, refused);
  connection->on_end = [this, limited, refused] {
    if (refused) --refused_open;
    if (refused || limited.empty()) return;
    const auto count = of_address.find(limited);
    if (count != of_address.end() && --count->second == 0) of_address.erase(count);
  };
  all->open.emplace(id, connection);
  try {
    if (refused) {
      ++refused_open;
    } else {
      ++statistics.connections_accepted;
      ++statistics.connections_open;
      if (!peer.local) ++of_address[limited];
    }
    connection->Start();
  } catch (...) {
    connection->End();
    throw;
  }
}

void HttpServer::State::Tick() {
  ticking = false;
  tick.expires_after(kTick);
  tick.async_wait([this](error_code error) {
    ticking = false;
    if (!error && !ending) Tick();
  });
  ticking = true;
  EndLate();
}

void HttpServer::State::EndLate() {
  const Clock::time_point now = Clock::now();
  Connection* slowest = nullptr;
  // A connection that is closed here ends, and leaves the map, only in a later call of its coroutine.
  for (const auto& [id, connection] : all->open) {
    connection->Tick(now);
    if (connection->phase() == Phase::kWriting &&
        (slowest == nullptr || connection->phase_began() < slowest->phase_began()))
      slowest = connection.get();
  }
  // Clients that do not read their replies cannot fill the memory.
  if (slowest != nullptr && all->reply_bytes > kMaxReplyBytes) slowest->Close();
  if (all->draining) {
    const std::lock_guard lock(mutex);
    if (!Answering()) {
      drained = true;
      changed.notify_all();
    }
  }
}

bool HttpServer::State::Answering() const {
  return all->admitted > 0 || std::any_of(all->open.begin(), all->open.end(), [](const auto& item) {
           return item.second->phase() == Phase::kWriting && !item.second->refused();
         });
}

template <class F>
void HttpServer::State::OnThread(const F& function) {
  ReservedMemory memory;  // is free again before the call begins
  std::exception_ptr failure;
  bool done = false;
  PostWithoutMemory(all->io, {std::shared_ptr<void>(), &memory}, [&] {
    try {
      function();
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  if (failure) std::rethrow_exception(failure);
}

HttpServer::HttpServer(const HttpServerOptions& options, std::shared_ptr<Handler> handler,
                       std::shared_ptr<HttpStatistics> statistics)
    : state_(std::make_unique<State>(options, std::move(handler), std::move(statistics))) {}

HttpServer::~HttpServer() { Stop(milliseconds(0)); }

void HttpServer::Check(const HttpServerOptions& options) {
  ReadKeys(options);
  ReadHosts(options.allow_hosts);
  ReadOrigins(options.cors_origins);
  CheckReach(options, IsLoopback(ParseListenAddress(options.listen)));
}

const std::string& HttpServer::url() const { return state_->listening.url; }

const std::vector<std::string>& HttpServer::notes() const { return state_->notes; }

void HttpServer::ReloadKeys() {
  if (state_->options.keys_file.empty()) return;
  std::shared_ptr<const ApiKeys> keys = ReadKeys(state_->options);
  state_->OnThread([&] { state_->all->keys = std::move(keys); });
}

void HttpServer::ReopenLog() {
  if (state_->all->log != nullptr) state_->all->log->Reopen();
}

int64_t HttpServer::Stop(milliseconds drain, const std::function<bool()>& hurry) {
  State& state = *state_;
  if (state.stopped) return 0;
  state.stopped = true;
  state.OnThread([&] {
    state.all->draining = true;
    state.all->handler->Drain();
  });
  const auto deadline = Clock::now() + drain;
  {
    std::unique_lock lock(state.mutex);
    while (!state.drained && Clock::now() < deadline && !(hurry && hurry())) {
      state.changed.wait_for(lock,
                             std::min<Clock::duration>(milliseconds(50), deadline - Clock::now()));
    }
  }
  int64_t lost = 0;
  state.OnThread([&] {
    lost = state.all->admitted;
    for (Socket& acceptor : state.acceptors) {
      error_code ignored;
      acceptor.close(ignored);
    }
    if (!state.listening.unix_path.empty()) unlink(state.listening.unix_path.c_str());
    // A connection leaves the map only in a later call, as in EndLate.
    for (const auto& [id, connection] : state.all->open) connection->Close();
  });
  // The thread ends when the coroutines have seen the end of their connections.
  state.OnThread([&] {
    state.ending = true;
    state.tick.cancel();
    state.work.reset();
  });
  state.thread.join();
  // A job holds `all`, which must not end on the thread of the jobs.
  state.all->unpacking.reset();
  return lost;
}

}  // namespace lacos::serve
