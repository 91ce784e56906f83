// The output folder of a run while it runs. No second run may use it, leftovers of killed runs are
// removed, and an earlier run in its place is kept until the new one has saved something.
#pragma once

#include <string>

#include "lacos/io/posix.h"

namespace lacos {

class RunFolder {
 public:
  // Makes nothing yet. Throws UserError if another process runs in `output`. Cleans up after killed
  // runs: their temporary files are removed. An earlier run that one of them had set aside comes
  // back, unless the killed run had saved a checkpoint or finished.
  explicit RunFolder(const std::string& output);
  // Without Keep, removes what this run wrote and brings an earlier run back.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // Makes the folder if it is missing. With `clear`, an earlier run in it is first set aside.
  void Begin(bool clear);
  // Called when this run has saved something, so that the earlier one is no longer needed.
  void Keep();

 private:
  void Lock();

  std::string path_;
  std::string earlier_;  // the place of the earlier run; empty if there is none or it is gone
  FileDescriptor lock_, earlier_lock_;
};

}  // namespace lacos
