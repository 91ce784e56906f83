// Hidden names beside an output while it is being written, and the end of those that a killed
// process left.
#pragma once

#include <string>
#include <string_view>

#include "lacos/io/posix.h"

namespace lacos {

// "PARENT/.NAME.lacos-KIND-PID-N": beside `path`, on the same file system, used by no other process
// or object.
std::string NameBeside(const std::string& path, std::string_view kind);
// Whether a file or folder of this name is an unfinished or replaced output, hence nobody's
// content.
bool IsTemporaryName(std::string_view name);

// A temporary that other processes can tell from a dead one's: it is locked while `file` is open.
struct Temporary {
  std::string path;
  FileDescriptor file;
};
// Both throw UserError when the system refuses.
Temporary CreateTemporaryFile(const std::string& path);
Temporary CreateTemporaryFolder(const std::string& path);

// Removes what processes that are gone left beside `path` while they wrote it; an earlier output
// that was being replaced goes back to its place when nothing has taken it. Where the file system
// has no locks, everything stays. Never throws.
void RemoveLeftoversOf(const std::string& path) noexcept;
// The same for every name in `folder`.
void RemoveLeftoversIn(const std::string& folder) noexcept;

}  // namespace lacos
