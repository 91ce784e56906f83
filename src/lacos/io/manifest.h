// Sizes and SHA-256 hashes of the files in a folder that lacos wrote. They are kept in the folder's
// lacos.json under "files".
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/io/safetensors.h"

namespace lacos {

// The hashes that SafetensorsWriter::Finish returned, by the file's path relative to the folder.
using RecordedTensors = std::map<std::string, TensorHashes>;

// Writes {"files": {"config.json": {"bytes": 575, "sha256": "..."}, ...}} for every regular file
// below `folder` except lacos.json itself, sorted by name, with the keys of `extra` beside it.
// Files with `tensors` get a key "tensors" with the names and hashes of these. `between` is called
// every few megabytes, from several threads at a time; an exception from it ends the work. Files
// and folders with a name in `left_out` are skipped, wherever below `folder` they are.
void WriteManifest(const std::string& folder, const Json& extra,
                   const RecordedTensors& tensors = {}, const std::function<void()>& between = {},
                   const std::vector<std::string>& left_out = {});

struct VerifyProblem {
  std::string file, found, expected;
  std::vector<std::string> tensors;  // damaged tensors, where the manifest has their hashes
};
// Checks every file named in the manifest. Returns the problems; none if all is well. With
// `from_disk`, pages that the kernel has cached are read again from the disk. Throws UserError if
// there is no manifest.
std::vector<VerifyProblem> VerifyManifest(const std::string& folder, bool from_disk = false);

// Whether `folder` has a lacos.json.
bool HasManifest(const std::string& folder);

// To be called before a file of a model is read. If the lacos.json of its folder, or of the folder
// above, names the file, then it must have the recorded size. Files of up to 64 MiB (adapters,
// tokenizers, settings) must also have the recorded hash; larger ones are checked by `lacos
// verify`. Folders that `lacos init` made are for experiments and may be changed. Throws UserError
// for a file that differs.
void RequireAsRecorded(const std::string& path);
// Calls RequireAsRecorded, then Json::ReadFile.
Json ReadRecordedJson(const std::string& path);

std::string FileSha256(const std::string& path, const std::function<void()>& between = {});

}  // namespace lacos
