#include "lacos/io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/folder.h"
#include "lacos/io/paths.h"
#include "lacos/io/posix.h"
#include "lacos/io/temporary.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr size_t kWriteBufferBytes = size_t{1} << 20;

std::optional<mode_t> FileMode(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_mode;
}

// The path that a rename has to name as its target. Symbolic links are followed, because a rename
// would replace the link itself, and /dev/stdout is a link. "." and trailing slashes are resolved.
std::string ResolveTarget(const std::string& path) {
  if (path.empty())
    throw UserError(
        "[output] found an empty path; expected the name of a file or folder; give one");
  fs::path target = path;
  if (!target.has_filename()) target = target.parent_path();  // "dir/" is a name for "dir"
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(target, error)) || target.filename() == "." ||
      target.filename() == "..") {
    const fs::path resolved = fs::weakly_canonical(target, error);
    if (!error) target = resolved;
  }
  return target.string();
}

void RequireParent(const std::string& path) {
  const std::string parent = ParentOf(path);
  const auto mode = FileMode(parent);
  if (!mode) {
    throw UserError(fmt::format(
        "[{}] could not be created: the folder '{}' does not exist; expected an existing one; "
        "create it first (mkdir -p)",
        path, parent));
  }
  if (!S_ISDIR(*mode)) {
    throw UserError(fmt::format(
        "[{}] could not be created: '{}' is not a folder; expected one; choose another place", path,
        parent));
  }
}

void Rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0)
    ThrowSystemError(to, fmt::format("rename '{}' to it", from));
}

// Exchanges the folders `made` and `path`, so that at every moment one of them is at `path`. On
// file systems that cannot exchange names (NFS, some FUSE) this takes two renames.
void Exchange(const std::string& made, const std::string& path) {
  if (renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS)
    ThrowSystemError(path, fmt::format("rename '{}' to it", made));
  const std::string old = NameBeside(path, "old");
  Rename(path, old);
  try {
    Rename(made, path);
  } catch (...) {
    std::rename(old.c_str(), path.c_str());
    throw;
  }
  // if this fails too, RemoveLeftoversOf finds the folder later
  std::rename(old.c_str(), made.c_str());
}

void SyncTree(const std::string& folder) {
  for (const FolderEntry& entry : ListFolder(folder)) {
    const std::string path = folder + "/" + entry.name;
    if (entry.is_folder) SyncTree(path);
    if (entry.is_file) SyncPath(path);
  }
  SyncPath(folder);
}

// Replacing a folder deletes it. That must never happen to the working directory of this process or
// to a folder above it.
void RefuseOwnFolder(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::weakly_canonical(path, error);
  if (error) return;
  for (fs::path at = fs::current_path(error); !error; at = at.parent_path()) {
    if (at == target) {
      throw UserError(fmt::format(
          "[{}] is or contains the current folder; expected a folder that may be replaced; "
          "choose another name",
          path));
    }
    if (at == at.parent_path()) break;
  }
}

}  // namespace

void RefuseExisting(const std::string& path, bool overwrite) {
  struct stat status {};
  if (overwrite || lstat(path.c_str(), &status) != 0) return;
  const auto mode = FileMode(path);
  // devices and pipes are written to, not replaced
  if (mode && !S_ISREG(*mode) && !S_ISDIR(*mode)) return;
  throw UserError(fmt::format(
      "[{}] already exists; expected a new name; choose another or pass `overwrite`", path));
}

void SyncPath(const std::string& path) {
  FileDescriptor file = OpenForReading(path);
  SyncAndClose(file, path);
}

void WriteFileAtomically(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.WriteText(contents);
  file.Commit();
}

AtomicFile::AtomicFile(const std::string& path) : path_(ResolveTarget(path)) {
  const auto mode = FileMode(path_);
  if (mode && S_ISDIR(*mode)) {
    throw UserError(
        fmt::format("[{}] found a folder; expected the name of a file; name one inside it", path_));
  }
  if (mode && !S_ISREG(*mode)) {  // a device or pipe has no temporary file to rename
    fd_ = OpenFile(path_, O_WRONLY);
    if (fd_ < 0) ThrowSystemError(path_, "create");
    return;
  }
  RequireParent(path_);
  RemoveLeftoversOf(path_);
  Temporary made = CreateTemporaryFile(path_);
  temporary_ = std::move(made.path);
  fd_ = made.file.Release();
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::Flush() {
  std::span<const char> left = buffer_;
  while (!left.empty()) {
    const ssize_t n = write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = ENOSPC;  // as in PwriteFully
    if (n <= 0) ThrowSystemError(path_, "write");
    left = left.subspan(static_cast<size_t>(n));
  }
  buffer_.clear();
}

void AtomicFile::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kWriteBufferBytes - buffer_.size());
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), n);
    bytes = bytes.subspan(n);
    if (buffer_.size() == kWriteBufferBytes) Flush();
  }
}

void AtomicFile::WriteText(std::string_view text) { Write(std::as_bytes(std::span(text))); }

void AtomicFile::WriteAt(int64_t offset, std::span<const std::byte> bytes) {
  Flush();
  PwriteFully(fd_, offset, bytes, path_);
}

void AtomicFile::Commit() {
  LACOS_CHECK(fd_ >= 0, "a file is committed once");
  Flush();
  FileDescriptor file(fd_);
  // held until the temporary file has its final name
  const FileDescriptor lock(temporary_.empty() ? -1 : dup(fd_));
  fd_ = -1;
  SyncAndClose(file, path_);
  if (temporary_.empty()) return;
  const bool is_new = !FileMode(path_);
  Rename(temporary_, path_);
  temporary_.clear();
  try {
    SyncPath(ParentOf(path_));
  } catch (...) {
    if (is_new) unlink(path_.c_str());  // after an error nothing stays under the final name
    throw;
  }
}

AtomicFolder::AtomicFolder(const std::string& path, bool overwrite)
    : path_(ResolveTarget(path)), overwrite_(overwrite) {
  RefuseExisting(path_, overwrite);
  const auto mode = FileMode(path_);
  if (mode && !S_ISDIR(*mode)) {
    throw UserError(
        fmt::format("[{}] found a file; expected the name of a folder; choose another", path_));
  }
  if (mode) RefuseOwnFolder(path_);
  RequireParent(path_);
  RemoveLeftoversOf(path_);
  Temporary made = CreateTemporaryFolder(path_);
  temporary_ = std::move(made.path);
  lock_ = made.file.Release();
}

AtomicFolder::~AtomicFolder() {
  if (!temporary_.empty()) RemoveAll(temporary_.c_str());
  if (lock_ >= 0) close(lock_);
}

void AtomicFolder::Sync() const { SyncTree(temporary_); }

void AtomicFolder::Commit() {
  LACOS_CHECK(!temporary_.empty() && !committed_, "a folder is committed once");
  Sync();
  RefuseExisting(path_, overwrite_);  // another process may have made it meanwhile
  const bool replaces = FileMode(path_).has_value();
  replaces ? Exchange(temporary_, path_) : Rename(temporary_, path_);
  try {
    SyncPath(ParentOf(path_));
  } catch (...) {  // everything is as before, and the destructor removes temporary_
    if (replaces) {
      Exchange(temporary_, path_);
    } else if (std::rename(path_.c_str(), temporary_.c_str()) != 0) {
      RemoveAll(path_.c_str());
    }
    throw;
  }
  committed_ = true;
  const std::string old = std::exchange(temporary_, "");
  if (replaces) RemoveAll(old.c_str());
}

}  // namespace lacos
