// Results on stdout: text, aligned tables and JSON objects. Every failed write is an error.
#include "terminal/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "terminal/interrupt.h"
#include "terminal/progress.h"
#include "terminal/text_width.h"

namespace lacos::cli {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

size_t Width(const std::string& text) { return static_cast<size_t>(DisplayWidth(text)); }

}  // namespace

void StandardOutput::Write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) Flush();
}

void StandardOutput::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (errno == EINTR) {
      CheckInterrupt();
      continue;
    }
    const int error = errno;
    buffer_.clear();
    if (error == EPIPE) throw StdoutClosed();
    throw UserError(fmt::format(
        "[stdout] could not write: {}; expected a writable stdout; check where it is directed",
        std::strerror(error)));
  }
  buffer_.clear();
}

StandardOutput& Out() {
  static StandardOutput output;
  return output;
}

void PrintJson(const Json& object) { Out().Write(object.Dump(2) + "\n"); }

std::string Table::Text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - Width(row[i]), ' ');
      const bool last = i + 1 == row.size();
      if (i > 0) text += "  " + padding + row[i];
      if (i == 0) text += row[i] + (last ? "" : padding);
    }
    text += '\n';
  }
  return text;
}

std::string FieldList::Text() const {
  size_t width = 0;
  for (const auto& [name, value] : fields_) width = std::max(width, Width(name));
  std::string text;
  for (const auto& [name, value] : fields_) {
    text += name + std::string(width + 2 - Width(name), ' ') + value + "\n";
  }
  return text;
}

void PeakMemory::Sample() {
  const MemoryUse use = ReadMemoryUse();
  peak_rss_ = std::max(peak_rss_, use.peak_rss_bytes);
  rss_anon_ = std::max(rss_anon_, use.rss_anon_bytes);
}

void PeakMemory::AddTo(Json& object) {
  Sample();
  object.Set("peak_rss_bytes", peak_rss_);
  object.Set("rss_anon_bytes", rss_anon_);
}

void PeakMemory::AddTo(FieldList& fields) {
  Sample();
  fields.Add("peak memory",
             fmt::format("{} resident, {} private", FormatBytes(static_cast<double>(peak_rss_)),
                         FormatBytes(static_cast<double>(rss_anon_))));
}

std::string CommandLine(const std::vector<std::string>& words) {
  std::string line = "lacos";
  for (const std::string& word : words) {
    const bool plain = word.find_first_of(" '\"$&;|<>()*?[]#~`\\!{}\t\n") == std::string::npos;
    std::string quoted;
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += plain && !word.empty() ? " " + word : fmt::format(" '{}'", quoted);
  }
  return line;
}

}  // namespace lacos::cli
