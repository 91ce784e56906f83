// Runs the lacos program as a user would, with temporary folders and tiny models
// made by `lacos init`.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lacos {

struct RunResult {
  int status = -1;  // exit status, or 128 + number of the signal that ended the program
  std::string out, err;
};

struct RunOptions {
  std::string input;        // text for stdin
  std::string stdout_path;  // file for stdout, which is captured if this is empty
  std::string stderr_path;
  long file_limit_bytes = -1;   // RLIMIT_FSIZE; writes beyond it fail as on a full disk
  long data_limit_bytes = -1;   // RLIMIT_DATA (`ulimit -d`), the limit of private memory
  bool refuse_threads = false;  // starting a thread fails, as under `ulimit -u`
  // Signal to send, and the delay after the program has installed its handler. stdin is then kept
  // open. 0 = no signal.
  int signal = 0, signal_after_ms = 0;
};

// Runs the program. The arguments are passed unchanged, without a shell.
RunResult RunLacos(const std::vector<std::string>& arguments, const RunOptions& options = {});

// A temporary folder that is removed with the object.
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
  // The sorted names in the folder, for checking that nothing was left behind.
  std::vector<std::string> Names() const;

 private:
  std::string path_;
};

std::string ReadAll(const std::string& path);
size_t CountLines(const std::string& text);

// The folder of a BLOOM with 2 layers and hidden size 32, in F32, with a byte-level tokenizer. It
// is made once, shared by all tests and never changed.
const std::string& TinyModel();
// The config.json from which `lacos init` makes TinyModel.
extern const char* const kTinyConfig;

// Expects what docs/reference/commands.md says about wrong input: status 1, and on stderr exactly
// one line of the form "lacos: error: [where] ...", which contains `part`.
void ExpectUserError(const RunResult& result, const std::string& part);
// Expects the same for a wrong command line, with status 2.
void ExpectUsageError(const RunResult& result, const std::string& part);

}  // namespace lacos
