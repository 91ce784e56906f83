// Read-only files: mapped into memory, or read at an offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace lacos {

// A whole file mapped read-only (private). Throws UserError when it cannot be opened or mapped.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  // `size` zeros that take no memory, as a file called `name` that does not exist: a stand-in for
  // weights that only their sizes matter of.
  static std::shared_ptr<MappedFile> Zeros(const std::string& name, int64_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  int descriptor() const { return fd_; }  // negative for Zeros
  // Reads bytes [offset, offset + out.size()) by pread, not through the mapping: nothing stays
  // resident.
  void ReadAt(int64_t offset, std::span<std::byte> out) const;
  // Has the kernel read a range into its page cache, in pieces of its read-ahead window; waits
  // while the disk is busy with those before.
  void Prefetch(int64_t offset, int64_t size) const;
  // Until the range is in the page cache: touches every page of it.
  void Await(int64_t offset, int64_t size) const;
  // Until the file's contents are on the disk: pages that are not cannot be dropped from the cache.
  void WriteBack() const;
  // Tells the kernel that this process no longer needs a range (madvise DONTNEED) and, with
  // `from_cache`, that nobody does (posix_fadvise DONTNEED): then it is read from the disk again.
  // Pages around the range that the kernel mapped along with it go too; they come back when they
  // are read.
  void DropPages(int64_t offset, int64_t size, bool from_cache = false) const;

 private:
  MappedFile() = default;

  std::string path_;
  std::span<const std::byte> bytes_;
  int fd_ = -1;
};

// A whole small file as a string; throws UserError when it cannot be read or is larger than `limit`
// bytes.
std::string ReadFileToString(const std::string& path, int64_t limit = int64_t{1} << 30);

}  // namespace lacos
