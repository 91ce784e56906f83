// How far a command has come: a line redrawn on a terminal, log lines at intervals elsewhere,
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
  std::string what;            // "embedding": what is being done
  std::string unit = "texts";  // of `done` and the rate; "bytes" are shown as MB and GB
  int64_t total = 0;  // 0 = unknown: then without remaining time, unless Update gives a fraction
  int64_t already_done = 0;  // not counted in the rate: what an earlier run did
};

//   Progress progress(globals, {.what = "training", .unit = "steps", .total = steps});
//   for (...) progress.Update(step, {"loss 0.123"});
// A line on the terminal at most ten times a second, a whole log line every 30 seconds otherwise.
// Where the terminal is narrow, the last parts of the line are left out. The line goes away with
// the object, or by Finish().
class Progress {
 public:
  Progress(const GlobalOptions& globals, ProgressOptions options);
  ~Progress() { Finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total` units; the note, or the notes, most important first, are shown behind the
  // remaining time; `fraction` in [0, 1] overrides done / total for the remaining time.
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
  double next_ = 0;  // seconds at which something is shown again
};

// The progress of a library function, whose first report says how much there is to do.
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

// "3.2 s", "4 min 10 s", "2 h 05 min".
std::string FormatSeconds(double seconds);
// "512 B", "3.4 MB", "6.0 GB": decimal units with two or three digits.
std::string FormatBytes(double bytes);
// "950", "12.3 k", "4.5 M" for rates.
std::string FormatCount(double count);

}  // namespace lacos::cli
