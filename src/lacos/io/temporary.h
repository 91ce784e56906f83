// Temporary files and folders beside an output that is being written, and the removal of those that
// a killed process left.
#pragma once

#include <string>
#include <string_view>

#include "lacos/io/posix.h"

namespace lacos {

// A name "PARENT/.NAME.lacos-KIND-PID-N" beside `path`. It is on the same file system and used by
// no other process or object.
std::string NameBeside(const std::string& path, std::string_view kind);
// Whether a file or folder with this name is an unfinished or replaced output, which is not part of
// any folder's content.
bool IsTemporaryName(std::string_view name);

// A temporary file or folder. It is locked while `file` is open, so that other processes can tell
// it from a dead process's leftovers.
struct Temporary {
  std::string path;
  FileDescriptor file;
};
// Both functions throw UserError if the system refuses.
Temporary CreateTemporaryFile(const std::string& path);
Temporary CreateTemporaryFolder(const std::string& path);

// Removes what dead processes left beside `path` while they wrote it. If one of them died while it
// replaced an earlier output, the earlier output goes back to its place, unless something else is
// there. On file systems without locks everything stays. Never throws.
void RemoveLeftoversOf(const std::string& path) noexcept;
// The same for every name in `folder`.
void RemoveLeftoversIn(const std::string& folder) noexcept;

}  // namespace lacos
