#include "lacos/io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/posix.h"

namespace lacos {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 20;

std::optional<mode_t> FileMode(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_mode;
}

// Where a rename has to land: symbolic links are followed (else the rename would replace the link, and
// /dev/stdout is one), "." and trailing slashes are resolved.
std::string ResolveTarget(const std::string& path) {
  if (path.empty())
    throw UserError("[output] found an empty path; expected the name of a file or folder; give one");
  fs::path target = path;
  if (!target.has_filename()) target = target.parent_path();  // "dir/" names dir
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(target, error)) || target.filename() == "." ||
      target.filename() == "..") {
    const fs::path resolved = fs::weakly_canonical(target, error);
    if (!error) target = resolved;
  }
  return target.string();
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

void RequireParent(const std::string& path) {
  const std::string parent = ParentOf(path);
  const auto mode = FileMode(parent);
  if (!mode) {
    throw UserError(
        fmt::format("[{}] could not be created: the folder '{}' does not exist; expected an existing one; "
                    "create it first (mkdir -p)",
                    path, parent));
  }
  if (!S_ISDIR(*mode)) {
    throw UserError(fmt::format(
        "[{}] could not be created: '{}' is not a folder; expected one; choose another place", path, parent));
  }
}

// A hidden name beside `path`, on the same file system, that no other process or object uses.
std::string NameBeside(const std::string& path, const char* kind) {
  static std::atomic<int> counter{0};
  const std::string name = fs::path(path).filename().string().substr(0, 200);  // names end at 255 bytes
  return fmt::format("{}/.{}.lacos-{}-{}-{}", ParentOf(path), name, kind, getpid(), counter++);
}

void Rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0)
    ThrowSystemError(to, fmt::format("rename '{}' to it", from));
}

void RemoveTree(const std::string& path) {
  std::error_code ignored;  // what stays behind is hidden and named lacos-tmp or lacos-old
  fs::remove_all(path, ignored);
}

void SyncTree(const std::string& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; it != end; it.increment(error)) {
    if (error) break;
    if (it->is_regular_file() || it->is_directory()) SyncPath(it->path().string());
  }
  if (error)
    throw UserError(
        fmt::format("[{}] could not be listed: {}; expected a healthy file system; check the disk", folder,
                    error.message()));
  SyncPath(folder);
}

// Replacing a folder deletes it: never one that the process stands in or under.
void RefuseOwnFolder(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::weakly_canonical(path, error);
  if (error) return;
  for (fs::path at = fs::current_path(error); !error; at = at.parent_path()) {
    if (at == target) {
      throw UserError(
          fmt::format("[{}] is or contains the current folder; expected a folder that may be replaced; "
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
  if (mode && !S_ISREG(*mode) && !S_ISDIR(*mode)) return;  // a device or pipe is written to, not replaced
  throw UserError(
      fmt::format("[{}] already exists; expected a new name; choose another or pass --overwrite", path));
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
  if (mode && !S_ISREG(*mode)) {  // a device or pipe: nothing to rename
    fd_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    RequireParent(path_);
    temporary_ = NameBeside(path_, "tmp");
    fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (fd_ < 0) ThrowSystemError(path_, "create");
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
    if (n < 0) ThrowSystemError(path_, "write");
    left = left.subspan(static_cast<size_t>(n));
  }
  buffer_.clear();
}

void AtomicFile::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), n);
    bytes = bytes.subspan(n);
    if (buffer_.size() == kBufferBytes) Flush();
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
  fd_ = -1;
  SyncAndClose(file, path_);
  if (temporary_.empty()) return;
  Rename(temporary_, path_);
  temporary_.clear();
  SyncPath(ParentOf(path_));
}

AtomicFolder::AtomicFolder(const std::string& path, bool overwrite)
    : path_(ResolveTarget(path)), overwrite_(overwrite) {
  RefuseExisting(path_, overwrite);
  const auto mode = FileMode(path_);
  if (mode && !S_ISDIR(*mode)) {
    throw UserError(fmt::format("[{}] found a file; expected the name of a folder; choose another", path_));
  }
  if (mode) RefuseOwnFolder(path_);
  RequireParent(path_);
  temporary_ = NameBeside(path_, "tmp");
  RemoveTree(temporary_);  // left by a dead process of the same number
  if (mkdir(temporary_.c_str(), 0777) != 0) ThrowSystemError(path_, "create a folder beside it");
}

AtomicFolder::~AtomicFolder() {
  if (!temporary_.empty()) RemoveTree(temporary_);
}

void AtomicFolder::Commit() {
  LACOS_CHECK(!temporary_.empty(), "a folder is committed once");
  SyncTree(temporary_);
  RefuseExisting(path_, overwrite_);  // it may have appeared meanwhile
  std::string old;
  if (FileMode(path_)) {
    old = NameBeside(path_, "old");
    Rename(path_, old);
  }
  try {
    Rename(temporary_, path_);
  } catch (...) {
    if (!old.empty()) std::rename(old.c_str(), path_.c_str());
    throw;
  }
  temporary_.clear();
  SyncPath(ParentOf(path_));
  if (!old.empty()) RemoveTree(old);
}

}  // namespace lacos
