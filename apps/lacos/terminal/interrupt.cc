// Handling of SIGINT and SIGTERM: work stops at the next safe place, so that partial output is
// removed and state is saved.
#include "terminal/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace lacos::cli {
namespace {

// Atomic, because the signal may reach any thread and other threads read this.
std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait for a lock");

void OnSignal(int) {
  if (requested.exchange(true)) _exit(130);
  // A read that waits for stdin now sees the end of the input. CheckInterrupt is called before any
  // output is committed.
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
}

// Called when a page of a mapped file does not exist any more (the file was truncated while in use)
// or cannot be read from the disk. The program cannot continue without the page. No partial output
// has its final name, so the handler writes a message and ends the program.
void OnBusError(int, siginfo_t*, void*) {
  static constexpr char kMessage[] =
      "lacos: error: [mapped file] a page of a model's file could not be read; expected "
      "files that stay as they are while they are used, on a healthy disk; check them with "
      "'lacos verify'\n";
  _exit(write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1) < 0 ? 1 : 1);
}

}  // namespace

void InstallSignalHandlers() {
  struct sigaction bus {};
  bus.sa_sigaction = OnBusError;
  sigemptyset(&bus.sa_mask);
  bus.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &bus, nullptr);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // without SA_RESTART, so that a read that waits for stdin returns
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // write() reports a closed pipe instead, so that partial output can still be removed.
  signal(SIGPIPE, SIG_IGN);
  // write() also reports a file beyond the limit of `ulimit -f`.
  signal(SIGXFSZ, SIG_IGN);
}

bool InterruptRequested() { return requested; }

void CheckInterrupt() {
  if (requested) throw Interrupted();
}

}  // namespace lacos::cli
