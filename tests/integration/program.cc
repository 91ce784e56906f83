// Runs the lacos program as a user would, with temporary folders and tiny models
// made by `lacos init`.
#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "integration/sanitizer.h"
#include "test_paths.h"
#include "unit/io/failing_calls.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

// Runs in the child between fork and exec. The tests have one thread, so it may allocate memory.
[[noreturn]] void Child(const std::vector<char*>& argv, const RunOptions& options, int in, int out,
                        int err) {
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (options.file_limit_bytes >= 0) {
    const rlimit limit{static_cast<rlim_t>(options.file_limit_bytes),
                       static_cast<rlim_t>(options.file_limit_bytes)};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);  // makes writes beyond the limit fail with EFBIG
  }
  if (options.data_limit_bytes >= 0) {
    const rlimit limit{static_cast<rlim_t>(options.data_limit_bytes),
                       static_cast<rlim_t>(options.data_limit_bytes)};
    setrlimit(RLIMIT_DATA, &limit);
  }
  if (options.refuse_threads) FailCalls({{SYS_clone3, EAGAIN}, {SYS_clone, EAGAIN}});
  execv(argv[0], argv.data());
  _exit(127);
}

int OpenOutput(const std::string& path, int pipe_end) {
  return path.empty() ? pipe_end
                      : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

std::string Drain(int fd) {
  std::string text;
  char buffer[65536];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  close(fd);
  return text;
}

// Waits until the program has installed its signal handler, for at most a minute, so that the
// signal is handled however slowly the program starts. The kernel lists caught signals as SigCgt.
void WaitForHandler(pid_t pid, int signal) {
  const std::string status = "/proc/" + std::to_string(pid) + "/status";
  for (int tries = 0; tries < 6000; ++tries) {
    const std::string text = ReadAll(status);
    const size_t at = text.find("SigCgt:");
    if (at == std::string::npos) return;  // the program has ended
    if (std::stoull(text.substr(at + 7), nullptr, 16) >> (signal - 1) & 1) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

const char* const kTinyConfig =
    R"({"model_type": "bloom", "architectures": ["BloomModel"], "hidden_size": 32,
  "n_head": 4, "n_layer": 2, "vocab_size": 300, "layer_norm_epsilon": 1e-5})";

RunResult RunLacos(const std::vector<std::string>& arguments, const RunOptions& options) {
  int in[2], out[2], err[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
    return {};
  std::vector<std::string> words = {LACOS_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int child_out = OpenOutput(options.stdout_path, out[1]);
  const int child_err = OpenOutput(options.stderr_path, err[1]);

  const pid_t pid = fork();
  if (pid == 0) Child(argv, options, in[0], child_out, child_err);
  close(in[0]);
  close(out[1]);
  close(err[1]);
  if (!options.stdout_path.empty()) close(child_out);
  if (!options.stderr_path.empty()) close(child_err);

  RunResult result;
  std::thread feed([&] {
    // A program that ends early closes its end of the pipe. This must not end the test.
    signal(SIGPIPE, SIG_IGN);
    std::string_view rest = options.input;
    while (!rest.empty()) {
      const ssize_t n = write(in[1], rest.data(), rest.size());
      if (n <= 0) break;
      rest.remove_prefix(static_cast<size_t>(n));
    }
    if (options.signal != 0) {
      WaitForHandler(pid, options.signal);
      std::this_thread::sleep_for(
          std::chrono::milliseconds(options.signal_after_ms * kSanitizerSlowdown));
      kill(pid, options.signal);
    } else {
      close(in[1]);
    }
  });
  std::thread errors([&] { result.err = Drain(err[0]); });
  result.out = Drain(out[0]);
  errors.join();
  int status = 0;
  waitpid(pid, &status, 0);
  feed.join();
  if (options.signal != 0) close(in[1]);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "lacos-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}
TempFolder::~TempFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string TempFolder::Write(const std::string& name, const std::string& contents) const {
  std::ofstream(*this / name, std::ios::binary) << contents;
  return *this / name;
}

std::vector<std::string> TempFolder::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

size_t CountLines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

const std::string& TinyModel() {
  static const TempFolder folder;
  static const std::string model = [] {
    const std::string config = folder.Write("config.json", kTinyConfig);
    const RunResult made = RunLacos({"init", "--config", config, "--output", folder / "model",
                                     "--dtype", "f32", "--seed", "1"});
    EXPECT_EQ(made.status, 0) << made.err;
    return folder / "model";
  }();
  return model;
}

void ExpectUserError(const RunResult& result, const std::string& part) {
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_EQ(result.err.rfind("lacos: error: [", 0), 0u) << result.err;
  EXPECT_EQ(CountLines(result.err), 1u) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos)
      << "expected '" << part << "' in: " << result.err;
}

void ExpectUsageError(const RunResult& result, const std::string& part) {
  EXPECT_EQ(result.status, 2) << result.err;
  EXPECT_EQ(result.err.rfind("lacos: error: [", 0), 0u) << result.err;
  EXPECT_EQ(CountLines(result.err), 1u) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos)
      << "expected '" << part << "' in: " << result.err;
  EXPECT_EQ(result.out, "");
}

}  // namespace lacos
