#include "lacos/record/run_record.h"

#include <filesystem>
#include <system_error>

#include "lacos/base/error.h"
#include "lacos/io/mapped_file.h"
#include "lacos/io/paths.h"
#include "lacos/kernels/backend.h"

namespace lacos {

namespace fs = std::filesystem;

std::string RunFileOfFolder(const std::string& folder) {
  return (fs::path(folder) / "run.json").string();
}

std::string RunFileOfFile(const std::string& file) { return file + ".run.json"; }

Json KernelsJson(const KernelInfo& info) {
  Json kernels = Json::Object();
  kernels.Set("backend", info.backend);
  for (const KernelInfo::Fact& fact : info.facts) kernels.Set(fact.name, fact.value);
  kernels.Set("kernels", Json::Strings(info.kernels));
  return kernels;
}

std::optional<Json> MakeRunRecord(const OutputOptions& options, const WorkRecord& work) {
  if (options.record.IsNull()) return std::nullopt;
  Json record = options.record;
  RunInputs inputs(options.check_cancel, work.hashed_bytes);
  work.inputs(inputs);
  record.Set("inputs", inputs.ToJson());
  if (work.kernels) record.Set("kernels", KernelsJson(work.kernels()));
  return record;
}

void WriteRunFile(const std::string& path, const Json& record) {
  WriteFileAtomically(path, record.Dump(2) + "\n");
}

void CommitFolder(AtomicFolder& folder, const OutputOptions& options, const WorkRecord& work,
                  const Json& extra, const RecordedTensors& tensors) {
  const std::string& path = folder.temporary();
  if (const auto record = MakeRunRecord(options, work))
    WriteRunFile(RunFileOfFolder(path), *record);
  WriteManifest(path, extra, tensors, options.check_cancel);
  folder.Commit();
}

FileRecord::FileRecord(const std::string& file, const OutputOptions& options,
                       const WorkRecord& work) {
  const auto record = MakeRunRecord(options, work);
  if (!record) return;
  const std::string path = RunFileOfFile(file);
  if (FileExists(path)) earlier_ = ReadFileToString(path);
  WriteRunFile(path, *record);
  path_ = path;
}

FileRecord::~FileRecord() {
  if (path_.empty()) return;
  try {
    if (earlier_) {
      WriteFileAtomically(path_, *earlier_);
      return;
    }
  } catch (const UserError&) {  // if the disk fails, no record is better than that of another run
  }
  std::error_code ignored;
  fs::remove(path_, ignored);
}

}  // namespace lacos
