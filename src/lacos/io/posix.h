// File descriptors that close themselves, and reads and writes that do not stop half-way: for io's
// .cc files.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace lacos {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// open(2), again when a signal interrupts it, always with O_CLOEXEC; negative, with errno, when it
// fails.
int OpenFile(const std::string& path, int flags, unsigned mode = 0);

// flock(2) without waiting. It ends with the descriptor, also when the process is killed. Some
// network file systems have none: kUnknown.
enum class FileLock : uint8_t { kOurs, kTaken, kUnknown };
FileLock LockFile(int fd);

// All of these throw UserError "[path] could not ...: reason; ..." when the system refuses.
FileDescriptor OpenForReading(const std::string& path);
// The same for regular files only: a named pipe is refused at once, where opening it would wait for
// a writer.
FileDescriptor OpenRegularFile(const std::string& path);
// Size of a regular file; a folder, pipe or device is refused.
int64_t RegularFileSize(int fd, const std::string& path);
// Fills `out`; a file that has become shorter meanwhile is an error.
void PreadFully(int fd, int64_t offset, std::span<std::byte> out, const std::string& path);
// Writes everything at `offset`.
void PwriteFully(int fd, int64_t offset, std::span<const std::byte> bytes, const std::string& path);
// fsync and close; errors that the system reports only now are thrown.
void SyncAndClose(FileDescriptor& file, const std::string& path);
// "[path] could not ACTION: No space left on device; expected ...; ..." from errno.
[[noreturn]] void ThrowSystemError(const std::string& path, const std::string& action);

}  // namespace lacos
