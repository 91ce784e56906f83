// Output that appears under its final name only when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lacos {

// Throws UserError "[path] already exists; ...; pass --overwrite" unless `overwrite` or nothing is
// there.
void RefuseExisting(const std::string& path, bool overwrite);

// Writes a file through a temporary one beside it: fsync, then rename. Throws UserError when
// anything fails.
void WriteFileAtomically(const std::string& path, std::string_view contents);

// A file being written under a temporary name beside `path`; Commit makes it appear, destruction
// without Commit removes it.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void Write(std::span<const std::byte> bytes);  // appends (buffered)
  void WriteText(std::string_view text);         // appends
  void WriteAt(int64_t offset, std::span<const std::byte> bytes);
  void Commit();

 private:
  std::string path_, temporary_;
  int fd_ = -1;
  std::string buffer_;
  void Flush();
};

// A folder being filled under a temporary name beside `path`; Commit fsyncs its files and renames
// it to `path` (in exchange for an existing folder, only when `overwrite`); destruction without
// Commit removes it, after Commit what was replaced. What a killed process left goes when the next
// one writes the same path.
class AtomicFolder {
 public:
  AtomicFolder(const std::string& path, bool overwrite);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::string& temporary() const { return temporary_; }
  void Sync() const;  // what was written so far is on the disk
  void Commit();

 private:
  std::string path_, temporary_;
  bool overwrite_, committed_ = false;
  int lock_ = -1;
};

// fsync of a file or folder by path; throws UserError when it fails.
void SyncPath(const std::string& path);

}  // namespace lacos
