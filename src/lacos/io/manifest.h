// Sizes and SHA-256 of the files of a folder that lacos wrote, kept in its lacos.json under
// "files".
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/io/safetensors.h"

namespace lacos {

// By file, relative to the folder: what SafetensorsWriter::Finish returned.
using RecordedTensors = std::map<std::string, TensorHashes>;

// {"files": {"config.json": {"bytes": 575, "sha256": "..."}, ...}} for every regular file below
// `folder` except lacos.json itself, with `extra`'s keys beside it, sorted by name; files with
// `tensors` get a key "tensors" of their names and hashes. `between` is called every few megabytes,
// from several threads at a time; what it throws ends the work. Files and folders named in
// `left_out` are not its content, wherever below `folder` they are.
void WriteManifest(const std::string& folder, const Json& extra,
                   const RecordedTensors& tensors = {}, const std::function<void()>& between = {},
                   const std::vector<std::string>& left_out = {});

// Writes `folder`/run.json with what `record` returns; nothing where it is absent. It belongs
// before the manifest: how the folder was made is one of its files.
void WriteRunRecord(const std::string& folder, const std::function<std::string()>& record);

// The record of an output that is a single file: FILE.run.json beside it. Both appear or neither:
// to be made just before the file gets its name, and kept when it has it.
class FileRecord {
 public:
  // Writes the record; nothing where it is absent. Throws UserError.
  FileRecord(const std::string& file, const std::function<std::string()>& record);
  // Without Keep the record goes again, or what stood in its place comes back.
  ~FileRecord();
  FileRecord(const FileRecord&) = delete;
  FileRecord& operator=(const FileRecord&) = delete;
  void Keep() { path_.clear(); }

 private:
  std::string path_;
  std::optional<std::string> earlier_;
};

struct VerifyProblem {
  std::string file, found, expected;
  std::vector<std::string> tensors;  // the damaged ones, where the manifest has their hashes
};
// Checks every file named in the manifest; returns what is wrong (empty = all well). With
// `from_disk` pages that the kernel has cached are read again. Throws UserError without a manifest.
std::vector<VerifyProblem> VerifyManifest(const std::string& folder, bool from_disk = false);

// Whether `folder` has a lacos.json.
bool HasManifest(const std::string& folder);

// To be called before a file of a model is read: where the lacos.json of its folder, or else of the
// folder above, names it, its size must be the recorded one, and its hash too, up to 64 MiB (an
// adapter, a tokenizer, settings; larger ones are for `lacos verify`). What `lacos init` made is
// for experiments and may be changed. Throws UserError.
void RequireAsRecorded(const std::string& path);
// RequireAsRecorded, then Json::ReadFile.
Json ReadRecordedJson(const std::string& path);

std::string FileSha256(const std::string& path, const std::function<void()>& between = {});

}  // namespace lacos
