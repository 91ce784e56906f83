// One way out: what every function that writes files is told besides what to write, and the check
// of the place where it goes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

// How far some work is.
struct WorkProgress {
  int64_t done = 0;
  int64_t total = 0;  // 0: not known
  std::string now;    // the name of what is worked on; may be empty
};

// A member of the options of every function that writes a file or a folder.
struct OutputOptions {
  bool overwrite = false;  // an output that is there already is replaced
  // What the caller knows of itself, for run.json: a program its version, its command line and its
  // machine. The function adds what it read and computed with (record/run_record.h). Null: the
  // output has no run.json.
  Json record;
  // Called with the state of the work, by one thread at a time.
  std::function<void(const WorkProgress& work)> progress;
  // Called between pieces of work of some milliseconds, also by several threads at a time. What it
  // throws ends the work, and nothing is left behind.
  std::function<void()> check_cancel;

  void CheckCancel() const {
    if (check_cancel) check_cancel();
  }
  // CheckCancel, then `progress`.
  void Report(const WorkProgress& work) const;
};

enum class OutputKind : uint8_t { kFile, kFolder };

struct OutputPlace {
  OutputKind kind = OutputKind::kFolder;
  bool overwrite = false;
  std::vector<std::string> inputs;  // folders or files that are read; empty names do not count
};

// Refuses, before any work, a `path` that exists (unless `overwrite`), that is of the wrong kind,
// whose parent folder is not there, or that is one of the inputs. A folder is only ever replaced
// when it is empty or holds a model. Throws UserError.
void CheckOutput(const std::string& path, const OutputPlace& place);

}  // namespace lacos
