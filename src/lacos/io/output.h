// The options of every function that writes files, and the check of the place to which they go.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

// The state of a piece of work.
struct WorkProgress {
  int64_t done = 0;
  int64_t total = 0;  // 0 if it is not known
  std::string now;    // the name of the current item; may be empty
};

// Options that every function has that writes a file or a folder.
struct OutputOptions {
  bool overwrite = false;  // whether an existing output is replaced
  // Facts about the caller for run.json, such as a program's version, command line and machine. The
  // function adds its inputs and kernels (record/run_record.h). If this is null, the output has no
  // run.json.
  Json record;
  // Called with the state of the work, by one thread at a time.
  std::function<void(const WorkProgress& work)> progress;
  // Called between pieces of work of some milliseconds, also by several threads at a time. An
  // exception from it ends the work, and nothing is left behind.
  std::function<void()> check_cancel;

  void CheckCancel() const {
    if (check_cancel) check_cancel();
  }
  // Calls CheckCancel, then `progress`.
  void Report(const WorkProgress& work) const;
};

enum class OutputKind : uint8_t { kFile, kFolder };

struct OutputPlace {
  OutputKind kind = OutputKind::kFolder;
  bool overwrite = false;
  std::vector<std::string> inputs;  // folders or files that are read; empty names are ignored
};

// To be called before any work. Throws UserError if `path` exists (unless `overwrite`), is of the
// wrong kind, has no parent folder, or is one of the inputs. A folder is only ever replaced if it
// is empty or holds a model.
void CheckOutput(const std::string& path, const OutputPlace& place);

}  // namespace lacos
