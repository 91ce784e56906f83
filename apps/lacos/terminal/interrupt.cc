// SIGINT and SIGTERM: work stops at the next safe place, so that partial output is removed and
// state is saved.
#include "terminal/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace lacos::cli {
namespace {

// Atomic: any thread may get the signal, and others ask.
std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait for a lock");

void OnSignal(int) {
  if (requested.exchange(true)) _exit(130);
  // A read that waits for stdin now sees its end instead, and CheckInterrupt is called before
  // anything is committed.
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
}

// A page of a mapped file that is gone (the file was cut short while in use) or cannot be read (the
// disk). Nothing can go on without it, and nothing half-written has its final name: say so and end.
void OnBusError(int, siginfo_t*, void*) {
  static constexpr char kMessage[] =
      "lacos: error: [mapped file] a page of a model's file could not be read; expected files that stay as "
      "they are while they are used, on a healthy disk; check them with 'lacos verify'\n";
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
  action.sa_flags = 0;  // no SA_RESTART: a read that waits for stdin returns
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A reader that went away is reported by write() instead, so that partial output can still be
  // removed.
  signal(SIGPIPE, SIG_IGN);
  // So does a file beyond the limit of `ulimit -f`.
  signal(SIGXFSZ, SIG_IGN);
}

bool InterruptRequested() { return requested; }

void CheckInterrupt() {
  if (requested) throw Interrupted();
}

}  // namespace lacos::cli
