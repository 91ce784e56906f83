// Logging to stderr with spdlog, together with a progress line at the bottom.
#include "terminal/logging.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string_view>

#include "flags/common.h"
#include "flags/setting_flags.h"
#include "terminal/text_width.h"

namespace lacos::cli {
namespace {

std::mutex line_mutex;
std::string shown_line;  // the line on the terminal now, or empty
int shown_columns = 0;   // width of the terminal when the line was drawn

int TerminalColumns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// Erases the progress line. The cursor rests at its beginning. If the terminal became narrower and
// broke the line in two, both parts are after the cursor, so everything below is erased.
void EraseLocked() {
  if (shown_line.empty()) return;
  std::fputs(TerminalColumns() < shown_columns ? "\r\x1b[J" : "\r\x1b[K", stderr);
}

// Draws the progress line. It never reaches the last column, where terminals behave differently.
void DrawLocked(const std::string& line) {
  shown_line = line;
  if (line.empty()) return;
  shown_columns = TerminalColumns();
  std::fputs((Shortened(line, shown_columns - 1) + "\r").c_str(), stderr);
}

// Writes messages to stderr and keeps the progress line below them.
class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    const std::lock_guard lock(line_mutex);
    EraseLocked();
    const std::string line = SpellKnownFlags({formatted.data(), formatted.size()});
    std::fwrite(line.data(), 1, line.size(), stderr);
    DrawLocked(std::string(shown_line));
    std::fflush(stderr);
  }
  void flush_() override { std::fflush(stderr); }
};

}  // namespace

void SetUpLogging(const GlobalOptions& globals) {
  auto logger = std::make_shared<spdlog::logger>("lacos", std::make_shared<StderrSink>());
  logger->set_pattern("lacos: %l: %v");
  auto level = spdlog::level::from_str(globals.log_level);
  if (globals.quiet && level < spdlog::level::warn) level = spdlog::level::warn;
  logger->set_level(level);
  spdlog::set_default_logger(std::move(logger));
}

void DrawProgressLine(const std::vector<std::string>& parts) {
  const std::lock_guard lock(line_mutex);
  EraseLocked();
  DrawLocked(FitParts(parts, TerminalColumns() - 1));
  std::fflush(stderr);
}

void ClearProgressLine() {
  const std::lock_guard lock(line_mutex);
  EraseLocked();
  shown_line.clear();
  std::fflush(stderr);
}

std::string FitParts(const std::vector<std::string>& parts, int columns) {
  if (parts.empty()) return "";
  std::string line = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string longer = line + ", " + parts[i];
    if (DisplayWidth(longer) > columns) break;
    line = longer;
  }
  return Shortened(line, columns);
}

bool StderrRedraws() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb" &&
         *term != '\0';
}

void PrintError(const std::string& message) {
  ClearProgressLine();
  std::string line = SpellKnownFlags(message);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::fprintf(stderr, "lacos: error: %s\n", line.c_str());
}

}  // namespace lacos::cli
