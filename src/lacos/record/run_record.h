// run.json: how an output was made, so that it can be understood and made again.
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

// `folder`/run.json, the record of a folder.
std::string RunFileOfFolder(const std::string& folder);
// FILE.run.json, the record of a file, which lies beside it.
std::string RunFileOfFile(const std::string& file);

// {"backend", "isa", "kernels"}: what computed.
Json KernelsJson(const KernelInfo& info);

// What a function knows of its own work, for run.json. Both functions are called when all else is
// written.
struct WorkRecord {
  std::function<void(RunInputs&)> inputs;    // names the files that were read
  std::function<KernelInfo()> kernels = {};  // absent where nothing was computed on a backend
  int64_t hashed_bytes = RunInputs::kHashedBytes;
};

// `options.record` with "inputs" and, where there are any, "kernels" behind what it holds; nothing
// where it is null. Throws UserError for an input that cannot be read.
std::optional<Json> MakeRunRecord(const OutputOptions& options, const WorkRecord& work);
void WriteRunFile(const std::string& path, const Json& record);

// The end of every folder that lacos makes: writes run.json (where there is a record) and lacos.json
// with the keys of `extra` and the hash of every file, then gives the folder its final name.
// `tensors` is that of WriteManifest.
void CommitFolder(AtomicFolder& folder, const OutputOptions& options, const WorkRecord& work,
                  const Json& extra, const RecordedTensors& tensors = {});

// The record of an output that is a single file. Either both appear or neither does. It is made
// just before the file gets its name, and kept once the file has it.
class FileRecord {
 public:
  // Writes the record; writes nothing if `options.record` is null. Throws UserError if writing fails.
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
