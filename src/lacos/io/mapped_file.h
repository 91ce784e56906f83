// Read-only files: mapped into memory, or read at an offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace lacos {

// A whole file, mapped privately and read-only. Throws UserError if it cannot be opened or mapped.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  // A stand-in for a file called `name` with `size` zeros, which take no memory. It serves where
  // only the sizes of weights matter.
  static std::shared_ptr<MappedFile> Zeros(const std::string& name, int64_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  int descriptor() const { return fd_; }  // negative for Zeros
  // Reads bytes [offset, offset + out.size()) by pread instead of through the mapping, so that
  // nothing stays resident.
  void ReadAt(int64_t offset, std::span<std::byte> out) const;
  // Asks the kernel to read a range into its page cache, in pieces of its read-ahead window. Waits
  // while the disk is busy with earlier pieces.
  void Prefetch(int64_t offset, int64_t size) const;
  // Waits until the range is in the page cache, by touching every page in it.
  void Await(int64_t offset, int64_t size) const;
  // Waits until the file's contents are on the disk, because pages that are not yet written cannot
  // be dropped from the cache.
  void WriteBack() const;
  // Tells the kernel that this process no longer needs a range (madvise DONTNEED). With
  // `from_cache` also tells it that nobody does (posix_fadvise DONTNEED), so that the range is read
  // from the disk next time. Pages around the range that the kernel mapped along with it are
  // unmapped too; they come back when they are read.
  void DropPages(int64_t offset, int64_t size, bool from_cache = false) const;

 private:
  MappedFile() = default;

  std::string path_;
  std::span<const std::byte> bytes_;
  int fd_ = -1;
};

// The contents of a small file. Throws UserError if it cannot be read or is larger than `limit`
// bytes.
std::string ReadFileToString(const std::string& path, int64_t limit = int64_t{1} << 30);

}  // namespace lacos
