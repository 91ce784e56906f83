// Runs the lacos program as a user would, with temporary folders and tiny models made by `lacos
// init`.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lacos {

struct RunResult {
  int status = -1;  // exit status, or 128 + signal
  std::string out, err;
};

struct RunOptions {
  std::string input;        // given on stdin
  std::string stdout_path;  // where stdout goes instead of being captured
  std::string stderr_path;
  long file_limit_bytes = -1;  // RLIMIT_FSIZE: writes beyond fail as on a full disk
  long data_limit_bytes = -1;  // RLIMIT_DATA, `ulimit -d`: private memory beyond fails
  // Sent while it runs, so long after it has begun to handle the signal; stdin is then kept open.
  int signal = 0, signal_after_ms = 0;
};

// Arguments are passed as they are, without a shell.
RunResult RunLacos(const std::vector<std::string>& arguments, const RunOptions& options = {});

// A folder that goes away with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  // Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const;
  // Names in the folder, sorted: to see that nothing was left behind.
  std::vector<std::string> Names() const;

 private:
  std::string path_;
};

std::string ReadAll(const std::string& path);
size_t CountLines(const std::string& text);

// A BLOOM of 2 layers, hidden 32, in F32 with a byte-level tokenizer; made once, shared and never
// changed.
const std::string& TinyModel();
// Its shape, for `lacos init`.
extern const char* const kTinyConfig;

// The contract for a wrong input: status 1, nothing but one line "lacos: error: [where] ..." on
// stderr, and `part` in it.
void ExpectUserError(const RunResult& result, const std::string& part);
// The same for a wrong command line: status 2.
void ExpectUsageError(const RunResult& result, const std::string& part);

}  // namespace lacos
