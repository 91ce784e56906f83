// Logs on stderr through spdlog, kept apart from a progress line that is being drawn.
#include "logging.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <mutex>

#include "common.h"

namespace lacos {
namespace {

std::mutex line_mutex;
bool line_shown = false;

void ClearLineLocked() {
  if (!line_shown) return;
  std::fputs("\r\x1b[K", stderr);
  line_shown = false;
}

// stderr, with the progress line removed first; the next progress update draws it again.
class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    const std::lock_guard lock(line_mutex);
    ClearLineLocked();
    std::fwrite(formatted.data(), 1, formatted.size(), stderr);
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

void DrawProgressLine(const std::string& line) {
  const std::lock_guard lock(line_mutex);
  ClearLineLocked();
  if (!line.empty()) {
    std::fputs(line.c_str(), stderr);
    line_shown = true;
  }
  std::fflush(stderr);
}

bool StderrIsTerminal() { return isatty(STDERR_FILENO) == 1; }

void PrintError(const std::string& message) {
  const std::lock_guard lock(line_mutex);
  ClearLineLocked();
  std::string line = message;
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::fprintf(stderr, "lacos: error: %s\n", line.c_str());
}

}  // namespace lacos
