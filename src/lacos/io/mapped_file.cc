#include "lacos/io/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/io/posix.h"

namespace lacos {

namespace {

// The most that one call of readahead reads, which is the device's window
// (force_page_cache_readahead). Smaller pieces would be read completely too, but as smaller pages
// of the cache, which cost more time.
int64_t ReadAheadBytes(int fd) {
  constexpr int64_t kLeast = 128, kMost = 8192;  // kB; 128 is Linux's default
  struct stat status {};
  if (fstat(fd, &status) != 0) return kLeast << 10;
  std::ifstream file(fmt::format("/sys/class/bdi/{}:{}/read_ahead_kb", major(status.st_dev),
                                 minor(status.st_dev)));
  int64_t kilobytes = 0;
  if (!(file >> kilobytes)) kilobytes = kLeast;
  return std::clamp(kilobytes, kLeast, kMost) << 10;
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  FileDescriptor file = OpenRegularFile(path);
  const int64_t size = RegularFileSize(file.get(), path);
  if (size > 0) {
    void* address = mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED) {
      throw UserError(fmt::format(
          "[{}] could not map {} bytes: {}; expected room in the address space; see ulimit -v",
          path, size, std::strerror(errno)));
    }
    bytes_ = {static_cast<const std::byte*>(address), static_cast<size_t>(size)};
  }
  fd_ = file.Release();
}

std::shared_ptr<MappedFile> MappedFile::Zeros(const std::string& name, int64_t size) {
  std::shared_ptr<MappedFile> file(new MappedFile());
  file->path_ = name;
  if (size == 0) return file;
  // Private pages that are only read all share the kernel's one page of zeros.
  void* address = mmap(nullptr, static_cast<size_t>(size), PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    throw UserError(fmt::format(
        "[{}] could not reserve {} bytes of address space: {}; expected a 64-bit system; see "
        "ulimit -v",
        name, size, std::strerror(errno)));
  }
  file->bytes_ = {static_cast<const std::byte*>(address), static_cast<size_t>(size)};
  return file;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  if (fd_ >= 0) close(fd_);
}

void MappedFile::ReadAt(int64_t offset, std::span<std::byte> out) const {
  LACOS_CHECK(offset >= 0 && static_cast<size_t>(offset) <= bytes_.size() &&
                  out.size() <= bytes_.size() - static_cast<size_t>(offset),
              "reads lie inside the file");
  if (fd_ < 0) return std::fill(out.begin(), out.end(), std::byte{0});
  PreadFully(fd_, offset, out, path_);
}

void MappedFile::Prefetch(int64_t offset, int64_t size) const {
  if (fd_ < 0) return;
  const int64_t piece = ReadAheadBytes(fd_);
  std::vector<std::byte> beside;
  for (int64_t at = offset; at < offset + size; at += piece) {
    const int64_t count = std::min(piece, offset + size - at);
    if (readahead(fd_, at, static_cast<size_t>(count)) == 0) continue;
    // On a file system without read-ahead an ordinary read fills the cache. If it fails, the error
    // is reported when the range is used.
    beside.resize(static_cast<size_t>(piece));
    if (pread(fd_, beside.data(), static_cast<size_t>(count), at) <= 0) return;
  }
}

void MappedFile::Await(int64_t offset, int64_t size) const {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const volatile std::byte* bytes = bytes_.data();
  for (int64_t at = offset; at < offset + size; at += page) (void)bytes[at];
}

void MappedFile::WriteBack() const {
  if (fd_ >= 0) fdatasync(fd_);  // used only for measurements, where a failure would show
}

void MappedFile::DropPages(int64_t offset, int64_t size, bool from_cache) const {
  const auto length = static_cast<int64_t>(bytes_.size());
  LACOS_CHECK(offset >= 0 && size >= 0 && offset <= length && size <= length - offset,
              "the range lies inside the file");
  if (size == 0) return;
  // A page fault also maps the pages around it that are in the page cache, within an aligned 64 kB
  // (Linux's fault_around_bytes).
  constexpr int64_t kFaultAround = int64_t{64} << 10;
  const int64_t begin = offset / kFaultAround * kFaultAround;
  const int64_t end = std::min(length, RoundUp(offset + size, kFaultAround));
  // This is advice: a failure changes memory use, not results.
  madvise(const_cast<std::byte*>(bytes_.data()) + begin, static_cast<size_t>(end - begin),
          MADV_DONTNEED);
  if (!from_cache || fd_ < 0) return;
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t first = RoundUp(offset, page);  // only pages that lie completely inside the range
  const int64_t last = offset + size == length ? length : (offset + size) / page * page;
  if (first < last) posix_fadvise(fd_, first, last - first, POSIX_FADV_DONTNEED);
}

std::string ReadFileToString(const std::string& path, int64_t limit) {
  const FileDescriptor file = OpenRegularFile(path);
  const int64_t size = RegularFileSize(file.get(), path);
  if (size > limit) {
    throw UserError(
        fmt::format("[{}] has {} bytes; expected at most {}; check that this is the right file",
                    path, size, limit));
  }
  std::string text(static_cast<size_t>(size), '\0');
  PreadFully(file.get(), 0, std::as_writable_bytes(std::span(text)), path);
  return text;
}

}  // namespace lacos
