#include "terminal/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lacos/base/error.h"
#include "lacos/io/posix.h"
#include "terminal/interrupt.h"

extern char** environ;

namespace lacos::cli {
namespace {

[[noreturn]] void FailStart(const std::string& reason) {
  throw UserError(fmt::format(
      "[process] a process for the next run could not be started: {}; expected a system with "
      "resources to spare; see ulimit -a",
      reason));
}

// The file actions of the child, which are released in any case.
class Actions {
 public:
  explicit Actions(int error_pipe) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, error_pipe, STDERR_FILENO);
  }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// Starts this program. `actions` may be null. Returns the child's process id. The child gets a
// process group of its own: Ctrl-C then signals this process alone, which tells the child once. A
// second signal would end the child before it has saved its state.
pid_t StartSelf(const std::vector<std::string>& arguments,
                const posix_spawn_file_actions_t* actions) {
  std::vector<std::string> words = {"lacos"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = 0;
  const int failure =
      posix_spawn(&pid, "/proc/self/exe", actions, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) FailStart(std::strerror(failure));
  return pid;
}

// The exit status, or 128 + the signal's number.
int StatusOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ChildResult RunSelf(const std::vector<std::string>& arguments,
                    const std::function<void()>& waiting) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) FailStart(std::strerror(errno));
  FileDescriptor read_end(ends[0]), write_end(ends[1]);
  const pid_t pid = StartSelf(arguments, Actions(write_end.get()).get());
  write_end = FileDescriptor();

  ChildResult result;
  bool asked = false;
  for (;;) {  // ends when the child has closed its stderr
    if (InterruptRequested() && !asked) {
      asked = true;
      kill(pid, SIGINT);
    }
    if (waiting && !asked) waiting();
    pollfd watched{.fd = read_end.get(), .events = POLLIN, .revents = 0};
    if (poll(&watched, 1, 200) <= 0) continue;
    std::array<char, 4096> buffer;
    const ssize_t n = read(read_end.get(), buffer.data(), buffer.size());
    if (n == 0) break;
    if (n > 0) result.error.append(buffer.data(), static_cast<size_t>(n));
    if (n < 0 && errno != EINTR && errno != EAGAIN) break;
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.status = StatusOf(status);
  return result;
}

int RunSelfInForeground(const std::vector<std::string>& arguments) {
  const pid_t pid = StartSelf(arguments, nullptr);
  int status = 0;
  bool asked = false;
  for (;;) {
    const pid_t ended = waitpid(pid, &status, asked ? 0 : WNOHANG);
    if (ended == pid) return StatusOf(status);
    if (ended < 0 && errno != EINTR) FailStart(std::strerror(errno));
    if (InterruptRequested() && !asked) {
      asked = true;
      kill(pid, SIGINT);
    }
    if (!asked) poll(nullptr, 0, 50);
  }
}

void EndWithParent() {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGINT);
  if (getppid() != parent) raise(SIGINT);
}

}  // namespace lacos::cli
