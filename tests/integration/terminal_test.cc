// The output of a running command on terminals of several sizes. It is read from a pseudo-terminal
// and interpreted by a model of a screen.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>

#include "sanitizer.h"
#include "test_paths.h"
#include "training_runs.h"

namespace lacos {
namespace {

using Clock = std::chrono::steady_clock;

// A screen with a given number of columns that keeps all rows, including those that scrolled by. It
// interprets carriage return, line feed, and erasing to the end of the line or of the screen. It
// counts all other escape sequences as unknown.
class Screen {
 public:
  explicit Screen(int columns) : columns_(columns) {}

  void Feed(const std::string& bytes) {
    for (const char c : bytes) Put(c);
  }
  const std::vector<std::string>& rows() const { return rows_; }
  std::string Text() const {
    std::string text;
    for (const std::string& row : rows_) text += row + "\n";
    return text;
  }
  bool Shows(const std::string& part) const { return Text().find(part) != std::string::npos; }
  // The number of rows that a progress line overflowed, and the length of
  // the longest progress line.
  int wrapped_progress() const { return wrapped_; }
  size_t longest_progress() const { return longest_; }
  int unknown_escapes() const { return unknown_; }

 private:
  void Put(char c) {
    if ((c & 0xC0) == 0x80) return;  // continues a character that its first byte has counted
    if (!escape_.empty()) {
      escape_ += c;
      if (escape_ == "\x1b[") return;
      if (escape_ == "\x1b[K") {
        rows_[row_].resize(std::min(rows_[row_].size(), column_));
      } else if (escape_ == "\x1b[J") {
        rows_[row_].resize(std::min(rows_[row_].size(), column_));
        rows_.resize(row_ + 1);
      } else {
        ++unknown_;
      }
      escape_.clear();
    } else if (c == '\x1b') {
      escape_ = c;
    } else if (c == '\r') {
      column_ = 0;
    } else if (c == '\n') {
      NextRow();
    } else {
      if (column_ == static_cast<size_t>(columns_)) {
        wrapped_ += IsProgress() ? 1 : 0;
        NextRow();
        column_ = 0;
      }
      std::string& row = rows_[row_];
      row.resize(std::max(row.size(), column_ + 1), ' ');
      row[column_++] = c;
      if (IsProgress()) longest_ = std::max(longest_, row.size());
    }
  }
  bool IsProgress() const { return rows_[row_].starts_with("training:"); }
  void NextRow() {
    if (++row_ == rows_.size()) rows_.emplace_back();
  }

  int columns_;
  std::vector<std::string> rows_ = {""};
  size_t row_ = 0, column_ = 0, longest_ = 0;
  int wrapped_ = 0, unknown_ = 0;
  std::string escape_;
};

// Runs the program on a pseudo-terminal.
class TerminalRun {
 public:
  TerminalRun(const std::vector<std::string>& arguments, int columns, int rows,
              const char* term = "xterm") {
    winsize size{.ws_row = static_cast<unsigned short>(rows),
                 .ws_col = static_cast<unsigned short>(columns)};
    std::vector<std::string> words = {LACOS_BINARY};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = forkpty(&master_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      setenv("TERM", term, 1);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~TerminalRun() {
    if (pid_ > 0 && status_ < 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(master_);
  }

  // Feeds the program's output to `screen` until `until` returns true, `seconds` have passed, or
  // the program has ended.
  void Watch(Screen& screen, double seconds, const std::function<bool()>& until = {}) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (status_ < 0 && Clock::now() < end && !(until && until())) {
      pollfd ready{.fd = master_, .events = POLLIN};
      if (poll(&ready, 1, 50) <= 0) continue;
      char buffer[4096];
      const ssize_t n = read(master_, buffer, sizeof buffer);
      if (n > 0) {
        bytes_.append(buffer, static_cast<size_t>(n));
        screen.Feed(std::string(buffer, static_cast<size_t>(n)));
      } else {
        // The program has closed its side of the terminal (EIO).
        int status = 0;
        waitpid(pid_, &status, 0);
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
    }
  }
  void Resize(int columns, int rows) const {
    const winsize size{.ws_row = static_cast<unsigned short>(rows),
                       .ws_col = static_cast<unsigned short>(columns)};
    ioctl(master_, TIOCSWINSZ, &size);
  }
  void Type(const std::string& keys) const {
    EXPECT_EQ(write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  int status() const { return status_; }
  const std::string& bytes() const { return bytes_; }

 private:
  pid_t pid_ = -1;
  int master_ = -1, status_ = -1;
  std::string bytes_;
};

class Terminal : public testing::Test {
 protected:
  Terminal() : data_(folder_.Write("nli.tsv", NliTable())) { TinyModel(); }

  std::vector<std::string> Arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = TrainArguments(data_, folder_ / "out", more);
    std::erase(arguments, "--quiet");
    arguments.insert(arguments.end(), {"--overwrite", "--threads", "1"});
    return arguments;
  }

  TempFolder folder_;
  std::string data_;
};

TEST_F(Terminal, TheProgressLineFitsAndLogLinesStandAboveItWhole) {
  for (const auto& [columns, rows] : {std::pair(80, 24), std::pair(40, 10), std::pair(12, 4)}) {
    Screen screen(columns);
    TerminalRun run(Arguments({"--max-steps", "200", "--save-every", "50"}), columns, rows);
    bool seen = false;
    run.Watch(screen, 120, [&] {
      seen = seen || screen.longest_progress() > 0;
      return false;
    });
    EXPECT_EQ(run.status(), 0) << screen.Text();
    EXPECT_TRUE(seen) << screen.Text();
    EXPECT_EQ(screen.wrapped_progress(), 0) << columns;
    EXPECT_EQ(screen.unknown_escapes(), 0);
    EXPECT_LT(screen.longest_progress(), static_cast<size_t>(columns));
    EXPECT_FALSE(screen.Shows("training:")) << "the line goes away: " << screen.Text();
    // Every logged line begins in a new row. A line longer than the screen continues
    // in the next rows.
    std::string joined;
    for (const std::string& row : screen.rows())
      joined += row + (row.size() < static_cast<size_t>(columns) ? "\n" : "");
    for (const char* step : {"050", "100", "150", "200"}) {
      const std::string folder = folder_ / "out" + std::string("/checkpoints/step-000") + step;
      EXPECT_NE(joined.find("lacos: info: step " + std::to_string(std::stoi(step)) + ": saved " +
                            folder + "\n"),
                std::string::npos)
          << joined;
    }
    EXPECT_NE(joined.find("loss, first and last"), std::string::npos) << joined;
  }
}

TEST_F(Terminal, ANarrowerWindowGetsAShorterLine) {
  Screen wide(100), narrow(30);
  TerminalRun run(Arguments({"--max-steps", "100000"}), 100, 24);
  run.Watch(wide, 60, [&] { return wide.longest_progress() > 30; });
  EXPECT_GT(wide.longest_progress(), 30u) << wide.Text();
  run.Resize(30, 10);
  run.Watch(wide, 0.5);  // takes output that was written before the program noticed the new size
  run.Watch(narrow, 60, [&] { return narrow.longest_progress() > 0; });
  run.Watch(narrow, 0.5);
  EXPECT_GT(narrow.longest_progress(), 0u) << narrow.Text();
  EXPECT_LT(narrow.longest_progress(), 30u) << narrow.Text();
  EXPECT_EQ(narrow.wrapped_progress(), 0);
  run.Type("\x03");
  run.Watch(narrow, 60);
  EXPECT_EQ(run.status(), 130);
}

TEST_F(Terminal, AfterCtrlCNoPartOfTheProgressLineIsLeft) {
  Screen screen(80);
  TerminalRun run(Arguments({"--max-steps", "100000"}), 80, 24);
  run.Watch(screen, 60, [&] { return screen.longest_progress() > 0; });
  run.Type("\x03");
  run.Watch(screen, 60);
  EXPECT_EQ(run.status(), 130) << screen.Text();
  const std::vector<std::string>& rows = screen.rows();
  ASSERT_GE(rows.size(), 4u) << screen.Text();
  EXPECT_EQ(rows[rows.size() - 2], "lacos: interrupted");
  EXPECT_TRUE(rows[rows.size() - 3].starts_with("lacos: warning: interrupted at step "))
      << screen.Text();
  EXPECT_FALSE(screen.Shows("training")) << screen.Text();
  EXPECT_FALSE(screen.Shows("tokens/s")) << screen.Text();
}

TEST_F(Terminal, AnErrorStandsOnALineOfItsOwn) {
  folder_.Write("plain", "a file where the checkpoints' folder belongs");
  Screen screen(80);
  const std::vector<std::string> arguments = Arguments(
      {"--max-steps", "100000", "--save-every", std::to_string(2000 / kSanitizerSlowdown)});
  TerminalRun run(arguments, 80, 24);
  run.Watch(screen, 60, [&] { return screen.longest_progress() > 0; });
  folder_.Write("out/checkpoints", "in the way");
  run.Watch(screen, 120);
  EXPECT_EQ(run.status(), 1) << screen.Text();
  bool found = false;
  for (const std::string& row : screen.rows()) found = found || row.starts_with("lacos: error: [");
  EXPECT_TRUE(found) << screen.Text();
  EXPECT_FALSE(screen.Shows("tokens/s")) << screen.Text();
}

TEST_F(Terminal, ADumbTerminalAndAPipeGetWholeLinesWithoutEscapes) {
  Screen screen(80);
  TerminalRun run(Arguments({"--max-steps", "300", "--save-every", "100"}), 80, 24, "dumb");
  run.Watch(screen, 120);
  EXPECT_EQ(run.status(), 0) << screen.Text();
  EXPECT_EQ(run.bytes().find('\x1b'), std::string::npos);
  EXPECT_FALSE(screen.Shows("training:"));

  const RunResult piped = RunLacos(Arguments({"--max-steps", "300", "--save-every", "100"}));
  EXPECT_EQ(piped.status, 0) << piped.err;
  EXPECT_EQ(piped.err.find_first_of("\x1b\r"), std::string::npos) << piped.err;
  EXPECT_NE(piped.err.find("step 300: saved"), std::string::npos) << piped.err;
}

}  // namespace
}  // namespace lacos
