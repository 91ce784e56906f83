// Serves until a signal asks to stop: SIGTERM or SIGINT drain, a second one ends at once, SIGHUP reads
// the keys again, SIGUSR1 opens the access log again.
#include "commands/serve/run_server.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <future>
#include <memory>
#include <string>

#include "lacos/base/error.h"
#include "lacos/kernels/backend.h"
#include "terminal/interrupt.h"
#include "terminal/logging.h"
#include "terminal/output.h"

namespace lacos::cli {
namespace {

using std::chrono::milliseconds;

// Tells systemd about a change of state, if it has started this process (sd_notify(3)).
void NotifySystemd(const std::string& state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = path;
  if (text.size() >= sizeof(name.sun_path)) return;
  text.copy(name.sun_path, text.size());
  if (path[0] == '@') name.sun_path[0] = '\0';  // an abstract socket
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
  sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&name), size);
  close(fd);
}

// Signals that this thread takes one by one. All others threads of lacos block them.
class ServerSignals {
 public:
  ServerSignals() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  // The next signal, or 0 after the time.
  int Next(milliseconds time) const {
    const timespec wait{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
    const int signal = sigtimedwait(&set_, nullptr, &wait);
    return signal < 0 ? 0 : signal;
  }

 private:
  sigset_t set_;
};

bool Ends(int signal) { return signal == SIGTERM || signal == SIGINT; }

void Handle(serve::EmbeddingServer& server, int signal) {
  try {
    if (signal == SIGHUP) {
      server.ReloadKeys();
      spdlog::info("the keys were read again");
    } else if (signal == SIGUSR1) {
      server.ReopenLog();
      spdlog::info("the access log was opened again");
    }
  } catch (const std::exception& error) {  // a wrong file, or no memory to read it
    spdlog::error("{}; the server goes on as before", error.what());
  }
}

void Announce(const GlobalOptions& globals, const serve::EmbeddingServer& server) {
  if (globals.json) {
    Json json = Json::Object();
    json.Set("model", server.model_name());
    json.Set("url", server.url());
    json.Set("pid", static_cast<int64_t>(getpid()));
    Out().Write(json.Dump() + "\n");
  } else {
    Out().Write(fmt::format("lacos serving {} on {}\n", server.model_name(), server.url()));
  }
  Out().Flush();
}

// Ends the process without waiting for its threads: what they compute can take as long as a text does,
// and nobody waits for it any more.
[[noreturn]] void EndNow(const std::string& error) {
  PrintError(error);
  std::_Exit(1);
}

}  // namespace

void RunServer(const GlobalOptions& globals, const ServeFlags& flags) {
  GlobalOptions settled = globals;
  SettleDevice(settled);
  serve::EmbeddingServerOptions options = flags.options;
  options.model.device = settled.device;
  // A signal before this point stops the loading like that of any other command.
  auto server = std::make_unique<serve::EmbeddingServer>(options, CheckInterrupt);
  const ServerSignals signals;
  CheckInterrupt();
  LogNotes(server->encoder());
  for (const std::string& note : server->notes()) spdlog::warn("{}", note);
  const KernelInfo kernels = server->encoder().backend().Describe();
  spdlog::info("computes on {}: {}; {}", kernels.backend, kernels.FactsText(),
               fmt::join(kernels.kernels, ", "));
  NotifySystemd("READY=1\nSTATUS=serving on " + server->url());
  Announce(globals, *server);  // from here on, missing memory does not end the process
  for (;;) {
    const int signal = signals.Next(milliseconds(60'000));
    if (Ends(signal)) break;
    if (signal != 0) Handle(*server, signal);
  }
  NotifySystemd("STOPPING=1");
  spdlog::info("stopping: requests that were admitted are answered, for at most {} s", flags.drain);
  const auto drain = milliseconds(static_cast<int64_t>(std::ceil(flags.drain * 1000)));
  const auto deadline = std::chrono::steady_clock::now() + drain;
  bool hurried = false;
  const auto hurry = [&] { return hurried = hurried || Ends(signals.Next(milliseconds(0))); };
  if (const int64_t lost = server->Stop(drain, hurry); lost > 0) {
    EndNow(fmt::format(
        "[serve] {} admitted requests were not answered before the server stopped; {}", lost,
        hurried
            ? "expected no second signal; wait for the end after the first one"
            : fmt::format("expected them within {} s; give --drain more seconds", flags.drain)));
  }
  // What is still computed belongs to requests that have been answered, for example because their
  // time was over. It cannot be interrupted, so the process ends without it if it takes too long.
  std::future<void> ended;
  try {
    ended = std::async(std::launch::async, [&] { server.reset(); });
  } catch (const std::exception&) {  // there is no memory for a thread
    return;
  }
  while (ended.wait_for(milliseconds(20)) != std::future_status::ready) {
    if (std::chrono::steady_clock::now() > deadline || hurry()) std::_Exit(0);
  }
}

}  // namespace lacos::cli
