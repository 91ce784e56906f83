// The progress of a command: a redrawn line on a terminal, log lines at intervals elsewhere,
// nothing with --quiet.
#include "terminal/progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "flags/common.h"
#include "terminal/logging.h"

namespace lacos::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kLogSeconds = 30;

std::string Amount(double value, const std::string& unit) {
  return unit == "bytes" ? FormatBytes(value) : fmt::format("{} {}", FormatCount(value), unit);
}

// Formats a value with three significant digits, and without a fraction from 100 on.
std::string Digits(double value) {
  if (value >= 99.95) return fmt::format("{:.0f}", value);
  return value >= 9.995 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

}  // namespace

std::string FormatSeconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string FormatBytes(double bytes) {
  if (bytes < 1e3) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1e6) return Digits(bytes / 1e3) + " kB";
  return bytes < 1e9 ? Digits(bytes / 1e6) + " MB" : Digits(bytes / 1e9) + " GB";
}

std::string FormatCount(double count) {
  if (count < 1e4) return count < 10 ? fmt::format("{:.3g}", count) : fmt::format("{:.0f}", count);
  return count < 1e6 ? Digits(count / 1e3) + " k" : Digits(count / 1e6) + " M";
}

Progress::Progress(const GlobalOptions& globals, ProgressOptions options)
    : options_(std::move(options)), redraws_(StderrRedraws()), quiet_(globals.quiet) {
  next_ = redraws_ ? kRedrawSeconds : kLogSeconds;
}

std::vector<std::string> Progress::Parts(int64_t done, const std::vector<std::string>& notes,
                                         std::optional<double> fraction) const {
  const double seconds = std::max(watch_.Seconds(), 1e-9);
  const double rate = static_cast<double>(done - options_.already_done) / seconds;
  std::string count = options_.what + ": ";
  if (options_.total > 0 && options_.unit != "bytes") {
    count += fmt::format("{} of {} {}", done, options_.total, options_.unit);
  } else {
    count += Amount(static_cast<double>(done), options_.unit);
    if (options_.total > 0)
      count += " of " + Amount(static_cast<double>(options_.total), options_.unit);
  }
  std::vector<std::string> parts = {count};
  std::optional<double> remaining;
  if (fraction && *fraction > 0) {
    remaining = seconds * (1 - *fraction) / *fraction;
  } else if (!fraction && options_.total > 0 && rate > 0) {
    remaining = static_cast<double>(options_.total - done) / rate;
  }
  if (remaining) parts.push_back(FormatSeconds(std::max(*remaining, 0.0)) + " left");
  parts.insert(parts.end(), notes.begin(), notes.end());
  parts.push_back(Amount(rate, options_.unit) + "/s");
  return parts;
}

void Progress::Update(int64_t done, const std::string& note, std::optional<double> fraction) {
  Update(done, note.empty() ? std::vector<std::string>() : std::vector<std::string>{note},
         fraction);
}

void Progress::Update(int64_t done, const std::vector<std::string>& notes,
                      std::optional<double> fraction) {
  if (quiet_ || watch_.Seconds() < next_) return;
  next_ = watch_.Seconds() + (redraws_ ? kRedrawSeconds : kLogSeconds);
  const std::vector<std::string> parts = Parts(done, notes, fraction);
  if (redraws_) {
    DrawProgressLine(parts);
  } else {
    spdlog::info("{}", fmt::join(parts, ", "));
  }
}

void WorkDisplay::Update(const WorkProgress& work) {
  if (!progress_) {
    progress_.emplace(
        globals_,
        ProgressOptions{
            .what = what_, .unit = unit_, .total = work.total, .already_done = work.done});
  }
  progress_->Update(work.done, work.now);
}

void Progress::Finish() {
  if (redraws_ && !quiet_) ClearProgressLine();
}

}  // namespace lacos::cli
