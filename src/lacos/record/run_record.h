// run.json, which records how an output was made, so that it can be understood and made again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lacos/io/atomic_file.h"
#include "lacos/io/json.h"
#include "lacos/io/manifest.h"
#include "lacos/io/output.h"
#include "lacos/record/inputs.h"

namespace lacos {

struct KernelInfo;  // kernels/backend.h

// The path of a folder's record: `folder`/run.json.
std::string RunFileOfFolder(const std::string& folder);
// The path of a file's record, which is beside it: FILE.run.json.
std::string RunFileOfFile(const std::string& file);

// The backend that computed, as {"backend", "isa", "kernels"}.
Json KernelsJson(const KernelInfo& info);

// The facts about its own work that a function contributes to run.json. Both callbacks are called
// when everything else is written.
struct WorkRecord {
  std::function<void(RunInputs&)> inputs;    // adds the files that were read
  std::function<KernelInfo()> kernels = {};  // absent if no backend computed anything
  int64_t hashed_bytes = RunInputs::kHashedBytes;
};

// `options.record` with "inputs" and, if a backend computed, "kernels" appended; nothing if it is
// null. Throws UserError for an input that cannot be read.
std::optional<Json> MakeRunRecord(const OutputOptions& options, const WorkRecord& work);
void WriteRunFile(const std::string& path, const Json& record);

// Completes every folder that lacos makes: writes run.json, if there is a record, and lacos.json
// with the keys of `extra` and the hash of every file, then gives the folder its final name.
// `tensors` is passed to WriteManifest.
void CommitFolder(AtomicFolder& folder, const OutputOptions& options, const WorkRecord& work,
                  const Json& extra, const RecordedTensors& tensors = {});

// The record of an output that is a single file. Either both appear or neither does. It is made
// just before the file gets its name, and kept once the file has it.
class FileRecord {
 public:
  // Writes the record; writes nothing if `options.record` is null. Throws UserError if writing
  // fails.
  FileRecord(const std::string& file, const OutputOptions& options, const WorkRecord& work);
  // Without Keep, removes the record, or brings back the earlier one.
  ~FileRecord();
  FileRecord(const FileRecord&) = delete;
  FileRecord& operator=(const FileRecord&) = delete;
  void Keep() { path_.clear(); }

 private:
  std::string path_;
  std::optional<std::string> earlier_;
};

}  // namespace lacos
