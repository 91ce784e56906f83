// File descriptors that close themselves, and reads and writes that do not stop half-way. They are
// for the .cc files of io/.
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

// Calls open(2) with O_CLOEXEC, and again if a signal interrupts it. Returns a negative number and
// sets errno if it fails.
int OpenFile(const std::string& path, int flags, unsigned mode = 0);

// Calls flock(2) without waiting. The lock ends with the descriptor, even if the process is killed.
// The result is kUnknown on network file systems without locks.
enum class FileLock : uint8_t { kOurs, kTaken, kUnknown };
FileLock LockFile(int fd);

// All functions below throw UserError "[path] could not ...: reason; ..." if the system refuses.
// The next two also throw it for a Git LFS pointer (git_lfs.h) and for a link that leads nowhere.
FileDescriptor OpenForReading(const std::string& path);
// The same for regular files only. A named pipe is refused at once, because opening it would wait
// for a writer.
FileDescriptor OpenRegularFile(const std::string& path);
// The size of a regular file in bytes. Folders, pipes and devices are refused.
int64_t RegularFileSize(int fd, const std::string& path);
// Fills `out` from the given offset. It is an error if the file has become shorter meanwhile.
void PreadFully(int fd, int64_t offset, std::span<std::byte> out, const std::string& path);
// Writes everything at `offset`.
void PwriteFully(int fd, int64_t offset, std::span<const std::byte> bytes, const std::string& path);
// Calls fsync and close. Errors that the system reports only now are thrown.
void SyncAndClose(FileDescriptor& file, const std::string& path);
// Throws UserError "[path] could not ACTION: No space left on device; expected ...; ...", with the
// reason that errno holds.
[[noreturn]] void ThrowSystemError(const std::string& path, const std::string& action);

}  // namespace lacos
