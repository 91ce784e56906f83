#include "faults/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <thread>

#include "integration/program.h"
#include "test_paths.h"

extern char** environ;

namespace lacos {
namespace {

std::vector<std::string> Environment(const Fault& fault, const std::string& report) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).starts_with("LACOS_FAULT")) continue;
    variables.emplace_back(*variable);
  }
  // Busy-waiting threads would take processor time from the other tests.
  variables.emplace_back("OMP_WAIT_POLICY=passive");
  if (fault.kinds.empty()) return variables;
  variables.push_back("LD_PRELOAD=" LACOS_FAULT_LIBRARY);
  variables.push_back("LACOS_FAULT_KINDS=" + fault.kinds);
  variables.push_back("LACOS_FAULT_FOLDER=" + fault.folder);
  variables.push_back("LACOS_FAULT_AT=" + std::to_string(fault.at));
  variables.push_back("LACOS_FAULT_ACTION=" + fault.action);
  variables.push_back("LACOS_FAULT_REPORT=" + report);
  if (fault.persist) variables.emplace_back("LACOS_FAULT_PERSIST=1");
#if defined(__SANITIZE_ADDRESS__)
  // The library intercepts allocations before the sanitizer does, so it must be loaded before the
  // sanitizer's runtime, which would otherwise refuse that order.
  const char* options = std::getenv("ASAN_OPTIONS");
  std::erase_if(variables,
                [](const std::string& variable) { return variable.starts_with("ASAN_OPTIONS="); });
  variables.push_back(std::string("ASAN_OPTIONS=verify_asan_link_order=0:") +
                      (options != nullptr ? options : ""));
#endif
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ChildResult RunChild(const std::vector<std::string>& arguments, const Fault& fault,
                     double limit_seconds) {
  static const TempFolder folder;
  const std::string out = folder / "stdout", err = folder / "stderr";
  const std::string report = folder.Write("report", std::string(16, '\0'));
  std::vector<std::string> words = {LACOS_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = Environment(fault, report);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ChildResult result;
  pid_t pid = -1;
  const int started = posix_spawn(&pid, LACOS_BINARY, &actions, nullptr, Pointers(words).data(),
                                  Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (started != 0) return result;

  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit_seconds);
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (!result.timed_out && std::chrono::steady_clock::now() > end) {
      result.timed_out = true;
      kill(pid, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = ReadAll(out);
  result.err = ReadAll(err);
  const std::string counted = ReadAll(report);
  if (counted.size() == 16) {
    std::memcpy(&result.calls, counted.data(), 8);
    std::memcpy(&result.faults, counted.data() + 8, 8);
  }
  return result;
}

bool IsClearError(const ChildResult& result) {
  if (result.timed_out || (result.status != 1 && result.status != 2)) return false;
  const size_t at = result.err.find("lacos: error: [");
  // libgomp ends the process itself when it cannot allocate memory for managing its threads.
  const bool by_libgomp = result.err.find("libgomp: ") != std::string::npos;
  if (at == std::string::npos) return by_libgomp;
  const std::string message = result.err.substr(at);
  return CountLines(message) == 1 && message.find("; expected") != std::string::npos;
}

void OutcomeTable::Add(const std::string& kind, Outcome outcome, const std::string& what) {
  auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.kind == kind; });
  if (row == rows_.end()) row = rows_.insert(rows_.end(), {kind, {}});
  ++row->counts[outcome];
  if (outcome == kOther) others_.push_back(kind + ": " + what);
}

std::vector<std::string> OutcomeTable::Print() const {
  static constexpr char kLine[] = "{:<46} {:>6} {:>12} {:>13} {:>10} {:>5}\n";
  std::string text =
      fmt::format(kLine, title_, "faults", "clear error", "right result", "unchecked", "else");
  int sums[4] = {0, 0, 0, 0};
  const auto line = [&](const std::string& kind, const int* counts) {
    text += fmt::format(kLine, kind, counts[0] + counts[1] + counts[2] + counts[3],
                        counts[kClearError], counts[kEqual], counts[kUnchecked], counts[kOther]);
  };
  for (const Row& row : rows_) {
    line(row.kind, row.counts);
    for (int i = 0; i < 4; ++i) sums[i] += row.counts[i];
  }
  line("all", sums);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  return others_;
}

bool FullRun() {
  const char* value = std::getenv("LACOS_FAULTS_FULL");
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

std::vector<uint64_t> FaultsToTry(uint64_t count, uint64_t most) {
  std::set<uint64_t> chosen;
  if (FullRun() || count <= most) {
    for (uint64_t i = 1; i <= count; ++i) chosen.insert(i);
  } else {
    chosen = {1, count};
    std::mt19937_64 random(20);
    const double width = static_cast<double>(count) / static_cast<double>(most);
    for (uint64_t i = 0; i + 2 < most; ++i) {
      const double at =
          (static_cast<double>(i) + static_cast<double>(random() % 1000) / 1000) * width;
      chosen.insert(std::clamp<uint64_t>(1 + static_cast<uint64_t>(at), 1, count));
    }
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace lacos
