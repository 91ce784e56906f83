// Sizes and SHA-256 of the files of a folder that lacos wrote, kept in its lacos.json under "files".
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

// {"files": {"config.json": {"bytes": 575, "sha256": "..."}, ...}} for every regular file below `folder`
// except lacos.json itself, with `extra`'s keys beside it, sorted by name. `between` is called every few
// megabytes, from several threads at a time; what it throws ends the work.
void WriteManifest(const std::string& folder, const Json& extra, const std::function<void()>& between = {});

// Writes `folder`/run.json with what `record` returns; nothing where it is absent. It belongs before the
// manifest: how the folder was made is one of its files.
void WriteRunRecord(const std::string& folder, const std::function<std::string()>& record);

struct VerifyProblem {
  std::string file, found, expected;
};
// Checks every file named in the manifest; returns what is wrong (empty = all well). Throws UserError without
// a manifest.
std::vector<VerifyProblem> VerifyManifest(const std::string& folder);

std::string FileSha256(const std::string& path, const std::function<void()>& between = {});

}  // namespace lacos
