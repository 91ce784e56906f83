// Threads that the host program does not know, and that the system may refuse to start.
#pragma once

#include <signal.h>

#include <system_error>
#include <thread>
#include <utility>

namespace lacos {

// Threads that are started in its scope leave asynchronous signals to the host's threads. Signals
// that a thread's own instructions raise are not blocked: if they were, they would end the process
// without calling the host's handler.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t saved_;
};

// Starts a thread that runs `f` and gets no asynchronous signals. Returns a thread that cannot be
// joined if the system refuses to start one, for example because of `ulimit -u`.
template <class F>
std::thread TryStartThread(F&& f) {
  const SignalsBlocked signals_blocked;
  try {
    return std::thread(std::forward<F>(f));
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace lacos
