#include "lacos/io/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/posix.h"

namespace lacos {

MappedFile::MappedFile(const std::string& path) : path_(path) {
  FileDescriptor file = OpenForReading(path);
  const int64_t size = RegularFileSize(file.get(), path);
  if (size > 0) {
    void* address = mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED) {
      throw UserError(
          fmt::format("[{}] could not map {} bytes: {}; expected room in the address space; see ulimit -v",
                      path, size, std::strerror(errno)));
    }
    bytes_ = {static_cast<const std::byte*>(address), static_cast<size_t>(size)};
  }
  fd_ = file.Release();
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  close(fd_);
}

void MappedFile::ReadAt(int64_t offset, std::span<std::byte> out) const {
  LACOS_CHECK(offset >= 0 && static_cast<size_t>(offset) <= bytes_.size() &&
                  out.size() <= bytes_.size() - static_cast<size_t>(offset),
              "reads lie inside the file");
  PreadFully(fd_, offset, out, path_);
}

void MappedFile::Prefetch(int64_t offset, int64_t size) const {
  posix_fadvise(fd_, offset, size, POSIX_FADV_WILLNEED);  // advice only
}

void MappedFile::DropPages(int64_t offset, int64_t size, bool from_cache) const {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t begin = (offset + page - 1) / page * page;  // only pages that lie wholly inside the range
  const int64_t end =
      offset + size == static_cast<int64_t>(bytes_.size()) ? offset + size : (offset + size) / page * page;
  if (begin >= end) return;
  LACOS_CHECK(offset >= 0 && end <= static_cast<int64_t>(bytes_.size()), "the range lies inside the file");
  // Advice only: a failure changes memory use, not results.
  madvise(const_cast<std::byte*>(bytes_.data()) + begin, static_cast<size_t>(end - begin), MADV_DONTNEED);
  if (from_cache) posix_fadvise(fd_, begin, end - begin, POSIX_FADV_DONTNEED);
}

std::string ReadFileToString(const std::string& path, int64_t limit) {
  const FileDescriptor file = OpenForReading(path);
  const int64_t size = RegularFileSize(file.get(), path);
  if (size > limit) {
    throw UserError(fmt::format("[{}] has {} bytes; expected at most {}; check that this is the right file",
                                path, size, limit));
  }
  std::string text(static_cast<size_t>(size), '\0');
  PreadFully(file.get(), 0, std::as_writable_bytes(std::span(text)), path);
  return text;
}

}  // namespace lacos
