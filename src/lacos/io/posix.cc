#include "lacos/io/posix.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lacos/base/error.h"
#include "lacos/io/git_lfs.h"
#include "lacos/io/paths.h"

namespace lacos {
namespace {

// Linux transfers at most 2 GiB - 4 KiB in one call.
constexpr size_t kMaxTransfer = size_t{1} << 30;

const char* Advice(int error) {
  switch (error) {
    case ENOENT:
      return "expected an existing file; check the path";
    case ENOTDIR:
      return "expected folders all along the path; check the path";
    case EACCES:
    case EPERM:
      return "expected permission; change the permissions or run as another user";
    case ENOSPC:
    case EDQUOT:
      return "expected free space; free some or choose another disk";
    case EROFS:
      return "expected a writable file system; choose another place";
    case EISDIR:
      return "expected a file; name a file inside the folder";
    case EMFILE:
    case ENFILE:
      return "expected fewer open files; see ulimit -n";
    case EFBIG:
      return "expected a smaller file; see ulimit -f";
    default:
      return "expected a healthy file system; check the disk";
  }
}

// Opens the file, or says why it cannot be opened.
FileDescriptor OpenExisting(const std::string& path, int flags) {
  FileDescriptor file(OpenFile(path, flags));
  if (file.get() >= 0) return file;
  const int error = errno;
  if (error == ENOENT || error == ELOOP) RefuseBrokenLink(path);
  errno = error;
  ThrowSystemError(path, "open");
}

}  // namespace

void ThrowSystemError(const std::string& path, const std::string& action) {
  const int error = errno;
  throw UserError(
      fmt::format("[{}] could not {}: {}; {}", path, action, std::strerror(error), Advice(error)));
}

int OpenFile(const std::string& path, int flags, unsigned mode) {
  int fd = -1;
  do {
    fd = open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

FileDescriptor OpenForReading(const std::string& path) {
  FileDescriptor file = OpenExisting(path, O_RDONLY);
  RefuseLfsPointer(file.get(), path);
  return file;
}

FileDescriptor OpenRegularFile(const std::string& path) {
  FileDescriptor file = OpenExisting(path, O_RDONLY | O_NONBLOCK);
  RegularFileSize(file.get(), path);
  RefuseLfsPointer(file.get(), path);
  return file;
}

int64_t RegularFileSize(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) ThrowSystemError(path, "stat");
  if (S_ISDIR(status.st_mode)) {
    throw UserError(
        fmt::format("[{}] found a folder; expected a file; name a file inside it", path));
  }
  if (!S_ISREG(status.st_mode)) {
    throw UserError(fmt::format(
        "[{}] found a pipe or device; expected a regular file; copy it to a file first", path));
  }
  return status.st_size;
}

void PreadFully(int fd, int64_t offset, std::span<std::byte> out, const std::string& path) {
  while (!out.empty()) {
    const ssize_t n = pread(fd, out.data(), std::min(out.size(), kMaxTransfer), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) ThrowSystemError(path, "read");
    if (n == 0) {
      throw UserError(fmt::format(
          "[{}] ended at byte {}, {} bytes early; expected the size it had when it was opened; "
          "do not change files while they are read",
          path, offset, out.size()));
    }
    out = out.subspan(static_cast<size_t>(n));
    offset += n;
  }
}

void PwriteFully(int fd, int64_t offset, std::span<const std::byte> bytes,
                 const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), std::min(bytes.size(), kMaxTransfer), offset);
    if (n < 0 && errno == EINTR) continue;
    // nothing was written for no given reason; without this error the loop would not end
    if (n == 0) errno = ENOSPC;
    if (n <= 0) ThrowSystemError(path, "write");
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += n;
  }
}

void SyncAndClose(FileDescriptor& file, const std::string& path) {
  int result = 0;
  do {
    result = fsync(file.get());
  } while (result != 0 && errno == EINTR);
  // Pipes and some file systems have nothing to sync, and return EINVAL.
  if (result != 0 && errno != EINVAL && errno != EROFS) ThrowSystemError(path, "write");
  // On Linux an interrupted close has closed the file all the same.
  if (close(file.Release()) != 0 && errno != EINTR) ThrowSystemError(path, "write");
}

FileLock LockFile(int fd) {
  int result = 0;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return FileLock::kOurs;
  return errno == EWOULDBLOCK ? FileLock::kTaken : FileLock::kUnknown;
}

}  // namespace lacos
