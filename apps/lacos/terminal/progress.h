// The progress of a command: a redrawn line on a terminal, log lines at intervals elsewhere,
// nothing with --quiet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lacos/base/process.h"
#include "lacos/io/output.h"

namespace lacos::cli {

struct GlobalOptions;

struct ProgressOptions {
  std::string what;            // the name of the work, such as "embedding"
  std::string unit = "texts";  // unit of `done` and of the rate; "bytes" are shown as MB and GB
  // 0 if unknown. Then no remaining time is shown, unless Update gets a fraction.
  int64_t total = 0;
  int64_t already_done = 0;  // units done by an earlier run, which the rate does not count
};

// Usage:
//   Progress progress(globals, {.what = "training", .unit = "steps", .total = steps});
//   for (...) progress.Update(step, {"loss 0.123"});
// On a terminal, the line is redrawn at most ten times a second; otherwise a log line is written
// every 30 seconds. On a narrow terminal the last parts of the line are left out. Finish(), or the
// end of the object, removes the line.
class Progress {
 public:
  Progress(const GlobalOptions& globals, ProgressOptions options);
  ~Progress() { Finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Shows that `done` of `total` units are finished. The notes, most important first, follow the
  // remaining time. `fraction` in [0, 1] overrides done / total for the remaining time.
  void Update(int64_t done, const std::string& note = "", std::optional<double> fraction = {});
  void Update(int64_t done, const std::vector<std::string>& notes,
              std::optional<double> fraction = {});
  void Finish();
  double Seconds() const { return watch_.Seconds(); }

 private:
  std::vector<std::string> Parts(int64_t done, const std::vector<std::string>& notes,
                                 std::optional<double> fraction) const;

  ProgressOptions options_;
  bool redraws_ = false, quiet_ = false;
  Stopwatch watch_;
  double next_ = 0;  // time of the next display, in seconds since the start
};

// The progress of a library function, whose first report says how much work there is.
class WorkDisplay {
 public:
  WorkDisplay(const GlobalOptions& globals, std::string what, std::string unit)
      : globals_(globals), what_(std::move(what)), unit_(std::move(unit)) {}

  void Update(const WorkProgress& work);
  void Finish() { progress_.reset(); }

 private:
  const GlobalOptions& globals_;
  std::string what_, unit_;
  std::optional<Progress> progress_;
};

// Formats a duration as in "3.2 s", "4 min 10 s" or "2 h 05 min".
std::string FormatSeconds(double seconds);
// Formats bytes in decimal units with two or three digits, as in "512 B", "3.4 MB" or "6.0 GB".
std::string FormatBytes(double bytes);
// Formats a count or a rate as in "950", "12.3 k" or "4.5 M".
std::string FormatCount(double count);

}  // namespace lacos::cli
