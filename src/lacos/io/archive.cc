// Archives are read through libarchive, which sees one member after another and never touches the
// file system. ByteSource decompresses gzip and zstd, because it verifies their checksums;
// libarchive's gzip filter does not.
#include "lacos/io/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <memory>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/byte_source.h"
#include "lacos/io/expansion_limit.h"
#include "lacos/io/paths.h"
#include "lacos/io/posix.h"

namespace lacos {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

bool EndsWithAny(std::string_view name, std::initializer_list<std::string_view> suffixes) {
  return std::any_of(suffixes.begin(), suffixes.end(),
                     [&](std::string_view s) { return name.ends_with(s); });
}

bool IsZip(std::string_view name) { return Lower(name).ends_with(".zip"); }

// Whether the file is compressed in a way that libarchive has to decompress.
bool IsBzip2OrXz(std::string_view name) {
  return EndsWithAny(Lower(name), {".bz2", ".tbz2", ".xz", ".txz"});
}

std::string WithoutCompression(const std::string& name) {
  const std::string lower = Lower(name);
  for (const std::string_view suffix : {".gz", ".zst", ".bz2", ".xz"}) {
    if (lower.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

// Whether the member is one of the files with metadata that macOS adds to archives.
bool IsAppleDouble(std::string_view name) {
  return name.starts_with("__MACOSX/") || name.find("/__MACOSX/") != std::string_view::npos ||
         name.substr(name.rfind('/') + 1).starts_with("._");
}

// The bytes of an archive or file. They are at a path, or in memory if the archive is itself a
// member of another one.
struct ArchivePlace {
  std::string name;  // for messages
  std::string path;  // empty if `bytes` holds the contents
  const std::string* bytes = nullptr;

  std::unique_ptr<ByteSource> Open() const {
    return path.empty() ? OpenMemorySource(*bytes, name) : OpenByteSource(path, name);
  }
  uint64_t Size() const {
    if (path.empty()) return bytes->size();
    const FileDescriptor file = OpenRegularFile(path);
    return static_cast<uint64_t>(RegularFileSize(file.get(), name));
  }
};

class ArchiveReader {
 public:
  enum class Format { kTar, kZip, kSingleFile };  // kSingleFile is one .bz2 or .xz file

  ArchiveReader(const ArchivePlace& place, Format format)
      : name_(place.name), format_(format), archive_(archive_read_new()), block_(kBlockBytes) {
    LACOS_CHECK(archive_ != nullptr, "libarchive has memory");
    archive* a = archive_.get();
    int result = ARCHIVE_OK;
    if (format == Format::kZip) {
      archive_read_support_format_zip_seekable(a);
      limit_.Read(place.Size());
      result = place.path.empty()
                   ? archive_read_open_memory(a, place.bytes->data(), place.bytes->size())
                   : archive_read_open_filename(a, place.path.c_str(), kBlockBytes);
    } else {
      if (format == Format::kTar) {
        archive_read_support_format_tar(a);
      } else {
        archive_read_support_format_raw(a);
      }
      if (IsBzip2OrXz(place.name)) {
        archive_read_support_filter_bzip2(a);
        archive_read_support_filter_xz(a);
      }
      source_ = place.Open();
      result = archive_read_open(a, this, nullptr, ReadBlock, nullptr);
    }
    if (result != ARCHIVE_OK) Fail();
  }

  // Moves to the next member that is a regular file. Returns false at the end.
  bool Next(std::string& member, UnpackCounts& counts) {
    archive_entry* entry = nullptr;
    while (true) {
      const int result = archive_read_next_header(archive_.get(), &entry);
      if (result == ARCHIVE_EOF) {
        Drain();
        return false;
      }
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) Fail();
      const char* name = archive_entry_pathname_utf8(entry);
      // the name in the tar is not UTF-8
      if (name == nullptr) name = archive_entry_pathname(entry);
      member = name == nullptr ? "" : name;
      if (format_ != Format::kSingleFile && !member.empty() && !StaysInside(member)) {
        throw UserError(fmt::format(
            "[{}] has a member called '{}'; expected names inside the archive; do not trust this "
            "file",
            name_, member));
      }
      // All of a tar is decompressed, whether its members are read or not.
      if (format_ == Format::kTar) {
        limit_.Wrote(static_cast<uint64_t>(std::max<int64_t>(archive_entry_size(entry), 0)) + 512,
                     name_);
      }
      if (archive_entry_filetype(entry) == AE_IFDIR) continue;
      if (archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr &&
          !member.empty()) {
        return true;
      }
      ++counts.skipped;
    }
  }

  std::string Read(const std::string& member, int64_t max_bytes) {
    std::string bytes;
    while (true) {
      const la_ssize_t n = archive_read_data(archive_.get(), block_.data(), block_.size());
      if (n == 0) return bytes;
      if (n < 0) Fail();
      if (format_ != Format::kTar) limit_.Wrote(static_cast<uint64_t>(n), name_);
      bytes.append(block_.data(), static_cast<size_t>(n));
      if (static_cast<int64_t>(bytes.size()) > max_bytes) {
        throw UserError(
            fmt::format("[{}/{}] has over {} bytes; expected a file of test data; remove it from "
                        "the folder",
                        name_, member, max_bytes));
      }
    }
  }

 private:
  struct Free {
    void operator()(archive* a) const { archive_read_free(a); }
  };

  // libarchive is written in C, so no exception may pass through it.
  static la_ssize_t ReadBlock(archive* a, void* self, const void** out) {
    auto& reader = *static_cast<ArchiveReader*>(self);
    try {
      const size_t n = reader.source_->Read(reader.input_);
      reader.limit_.Read(n);
      *out = reader.input_.data();
      return static_cast<la_ssize_t>(n);
    } catch (...) {
      reader.failure_ = std::current_exception();
      archive_set_error(a, EIO, "read failed");
      return -1;
    }
  }

  // A tar ends before its compressed stream does, and the checksum is at the very end of the
  // stream.
  void Drain() {
    if (source_ == nullptr) return;
    while (source_->Read(block_) > 0) {
    }
  }

  [[noreturn]] void Fail() {
    if (failure_) std::rethrow_exception(failure_);
    const char* reason = archive_error_string(archive_.get());
    throw UserError(fmt::format(
        "[{}] could not be read as {}: {}; expected an intact file; copy or download it again",
        name_,
        format_ == Format::kZip   ? "a zip archive"
        : format_ == Format::kTar ? "a tar archive"
                                  : "a compressed file",
        reason != nullptr ? reason : "unknown error"));
  }

  std::string name_;
  Format format_;
  std::unique_ptr<ByteSource> source_;
  std::array<char, kBlockBytes> input_;
  ExpansionLimit limit_;
  std::exception_ptr failure_;
  std::unique_ptr<archive, Free> archive_;
  std::vector<char> block_;
};

std::string ReadWhole(const ArchivePlace& place, int64_t max_bytes) {
  if (IsBzip2OrXz(place.name)) {
    const auto reader = std::make_unique<ArchiveReader>(place, ArchiveReader::Format::kSingleFile);
    std::string member;
    UnpackCounts ignored;
    return reader->Next(member, ignored) ? reader->Read(member, max_bytes) : "";
  }
  const auto source = place.Open();
  std::string bytes;
  std::vector<char> block(kBlockBytes);
  while (const size_t n = source->Read(block)) {
    bytes.append(block.data(), n);
    if (static_cast<int64_t>(bytes.size()) > max_bytes) {
      throw UserError(fmt::format(
          "[{}] has over {} bytes; expected a file of test data; remove it from the folder",
          place.name, max_bytes));
    }
  }
  return bytes;
}

void Visit(const ArchivePlace& place, const UnpackOptions& options, int depth,
           UnpackCounts& counts) {
  if (!IsArchiveName(place.name)) {
    ++counts.files;
    const std::string plain = WithoutCompression(place.name);
    if (options.wants(plain)) options.visit(plain, ReadWhole(place, options.max_file_bytes));
    return;
  }
  if (depth == 0) return;
  const auto reader = std::make_unique<ArchiveReader>(
      place, IsZip(place.name) ? ArchiveReader::Format::kZip : ArchiveReader::Format::kTar);
  std::string member;
  while (reader->Next(member, counts)) {
    if (IsAppleDouble(member)) continue;
    const std::string name = place.name + "/" + member;
    if (!IsArchiveName(member) && !options.wants(WithoutCompression(name))) {
      ++counts.files;
      continue;
    }
    const std::string bytes = reader->Read(member, options.max_file_bytes);
    Visit({.name = name, .path = "", .bytes = &bytes}, options, depth - 1, counts);
  }
}

}  // namespace

bool IsArchiveName(std::string_view name) {
  return EndsWithAny(Lower(name), {".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2",
                                   ".tbz2", ".tar.xz", ".txz"});
}

void VisitFile(const std::string& path, const std::string& name, const UnpackOptions& options,
               UnpackCounts& counts) {
  Visit({.name = name, .path = path}, options, options.max_depth, counts);
}

}  // namespace lacos
