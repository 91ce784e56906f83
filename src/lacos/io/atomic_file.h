// Output that appears under its final name only when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lacos {

// Throws UserError "[path] already exists; ...; pass --overwrite" if something is there and
// `overwrite` is false.
void RefuseExisting(const std::string& path, bool overwrite);

// Writes a file through a temporary one beside it, with fsync and then rename. Throws UserError if
// any of this fails.
void WriteFileAtomically(const std::string& path, std::string_view contents);

// A file that is written under a temporary name beside `path`. Commit gives it its final name.
// Without Commit the destructor removes it.
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

// A folder that is filled under a temporary name beside `path`. Commit calls fsync on its files and
// renames it to `path`; an existing folder is exchanged for it, but only with `overwrite`. The
// destructor removes the unfinished folder, or after Commit the one that was replaced. Leftovers of
// a killed process are removed when the next process writes the same path.
class AtomicFolder {
 public:
  AtomicFolder(const std::string& path, bool overwrite);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::string& temporary() const { return temporary_; }
  void Sync() const;  // makes sure that everything written so far is on the disk
  void Commit();

 private:
  std::string path_, temporary_;
  bool overwrite_, committed_ = false;
  int lock_ = -1;
};

// Calls fsync on a file or folder. Throws UserError if it fails.
void SyncPath(const std::string& path);

}  // namespace lacos
