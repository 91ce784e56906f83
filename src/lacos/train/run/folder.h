// The output folder of a run while it runs: no second run in it, nothing of a killed one left in
// it, and an earlier run in its place kept until the new one has saved something.
#pragma once

#include <string>

#include "lacos/io/posix.h"

namespace lacos {

class RunFolder {
 public:
  // Nothing is made yet. Throws UserError when another process runs in `output`. Cleans up after
  // killed ones: their temporaries go; an earlier run that one had set aside comes back, unless the
  // new one had saved a checkpoint or finished.
  explicit RunFolder(const std::string& output);
  // Without Keep, an earlier run comes back and what this one wrote goes.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // Makes the folder where it is missing; with `clear`, an earlier run in it is set aside first.
  void Begin(bool clear);
  // This run has saved something: the earlier one is no longer needed.
  void Keep();

 private:
  void Lock();

  std::string path_;
  std::string earlier_;  // where the earlier run lies; empty: there is none, or it is gone
  FileDescriptor lock_, earlier_lock_;
};

}  // namespace lacos
