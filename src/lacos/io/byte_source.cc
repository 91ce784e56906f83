#include "lacos/io/byte_source.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/expansion_limit.h"
#include "lacos/io/git_lfs.h"
#include "lacos/io/posix.h"

namespace lacos {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 18;

[[noreturn]] void FailTruncated(const std::string& name) {
  throw UserError(fmt::format(
      "[{}] ends inside its compressed data: truncated; expected the whole file; copy or download "
      "it again",
      name));
}

[[noreturn]] void FailDamaged(const std::string& name, const char* format, const char* reason) {
  throw UserError(fmt::format(
      "[{}] has damaged {} data: {}; expected an intact file; copy or download it again", name,
      format, reason));
}

// A file's bytes as they are. The first few may have been looked at already, and are read again.
class FileSource : public ByteSource {
 public:
  FileSource(int fd, FileDescriptor owned, std::string name)
      : fd_(fd), owned_(std::move(owned)), name_(std::move(name)) {}

  // The first bytes (up to 4). Read returns them again.
  std::string_view Peek() {
    while (peeked_.size() < 4) {
      char bytes[4];
      const size_t n = ReadSystem({bytes, 4 - peeked_.size()});
      if (n == 0) break;
      peeked_.append(bytes, n);
    }
    return peeked_;
  }

  size_t Read(std::span<char> out) override {
    if (peeked_.empty()) return ReadSystem(out);
    const size_t n = std::min(out.size(), peeked_.size());
    std::memcpy(out.data(), peeked_.data(), n);
    peeked_.erase(0, n);
    return n;
  }

 private:
  size_t ReadSystem(std::span<char> out) {
    while (true) {
      const ssize_t n = read(fd_, out.data(), out.size());
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) ThrowSystemError(name_, "read");
    }
  }

  int fd_;
  FileDescriptor owned_;
  std::string name_;
  std::string peeked_;
};

// Bytes that are already in memory.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : left_(bytes) {}
  size_t Read(std::span<char> out) override {
    const size_t n = std::min(out.size(), left_.size());
    if (n > 0) std::memcpy(out.data(), left_.data(), n);
    left_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view left_;
};

// A gzip stream: any number of members one after another (RFC 1952), with zero padding after the
// last one.
class GzipSource : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> source, std::string name)
      : source_(std::move(source)), name_(std::move(name)), input_(kChunkBytes) {
    // adding 16 makes zlib accept gzip headers only
    LACOS_CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK, "zlib has memory");
  }
  ~GzipSource() override { inflateEnd(&stream_); }

  size_t Read(std::span<char> out) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), size_t{1} << 30));
    const uInt room = stream_.avail_out;
    while (stream_.avail_out == room && !ended_) {
      if (stream_.avail_in == 0 && !Fill()) {
        if (inside_) FailTruncated(name_);
        ended_ = true;
        break;
      }
      if (!inside_ && !StartMember()) continue;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        inside_ = false;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        FailDamaged(name_, "gzip", stream_.msg != nullptr ? stream_.msg : "unknown error");
      }
    }
    limit_.Wrote(room - stream_.avail_out, name_);
    return room - stream_.avail_out;
  }

 private:
  bool Fill() {
    const size_t n = source_->Read(input_);
    limit_.Read(n);
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(n);
    return n > 0;
  }
  // Prepares for the next member: skips zero bytes (tape padding) and resets zlib. Returns false if
  // the input is used up.
  bool StartMember() {
    while (!first_ && stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return false;
    if (!first_) inflateReset(&stream_);
    first_ = false;
    inside_ = true;
    return true;
  }

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<char> input_;
  ExpansionLimit limit_;
  z_stream stream_{};
  bool first_ = true;
  bool inside_ = false;  // whether reading stands inside a member
  bool ended_ = false;
};

// A stream of zstd frames, one after another.
class ZstdSource : public ByteSource {
 public:
  ZstdSource(std::unique_ptr<ByteSource> source, std::string name)
      : source_(std::move(source)),
        name_(std::move(name)),
        input_(kChunkBytes),
        context_(ZSTD_createDCtx()) {
    LACOS_CHECK(context_ != nullptr, "zstd has memory");
  }
  ~ZstdSource() override { ZSTD_freeDCtx(context_); }

  size_t Read(std::span<char> out) override {
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos == 0) {
      if (block_.pos == block_.size && !full_) {
        block_ = {input_.data(), source_->Read(input_), 0};
        limit_.Read(block_.size);
        if (block_.size == 0) {
          if (inside_) FailTruncated(name_);
          return 0;
        }
      }
      const size_t result = ZSTD_decompressStream(context_, &output, &block_);
      if (ZSTD_isError(result)) FailDamaged(name_, "zstd", ZSTD_getErrorName(result));
      inside_ = result != 0;
      full_ = output.pos == output.size;  // zstd may hold more output
    }
    limit_.Wrote(output.pos, name_);
    return output.pos;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<char> input_;
  ExpansionLimit limit_;
  ZSTD_DCtx* context_;
  ZSTD_inBuffer block_{nullptr, 0, 0};
  bool inside_ = false;
  bool full_ = false;
};

bool IsGzip(std::string_view start) { return start.starts_with("\x1F\x8B"); }

bool IsZstd(std::string_view start) {
  if (start.size() < 4) return false;
  uint32_t magic = 0;
  std::memcpy(&magic, start.data(), 4);
  // the magic number of a frame, or one of those for skippable frames
  return magic == 0xFD2FB528u || (magic & 0xFFFFFFF0u) == 0x184D2A50u;
}

// The source itself, or its decompressed contents if it begins like gzip or zstd. `file_name`
// decides whether an empty file should have been compressed.
std::unique_ptr<ByteSource> Decompressed(std::unique_ptr<ByteSource> source, std::string_view start,
                                         const std::string& file_name, const std::string& name) {
  if (IsGzip(start)) return std::make_unique<GzipSource>(std::move(source), name);
  if (IsZstd(start)) return std::make_unique<ZstdSource>(std::move(source), name);
  // A compressed file has a header even when its text is empty.
  if (start.size() < 4 && (file_name.ends_with(".gz") || file_name.ends_with(".zst")) &&
      (start.empty() || start[0] == '\x1F' || start[0] == '\x28')) {
    FailTruncated(name);
  }
  return source;
}

}  // namespace

std::unique_ptr<ByteSource> OpenByteSource(const std::string& path, const std::string& name) {
  FileDescriptor owned;
  int fd = 0;
  if (path != "-") {
    owned = OpenForReading(path);
    fd = owned.get();
    struct stat status {};
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
      throw UserError(
          fmt::format("[{}] found a folder; expected a file; name a file inside it", name));
    }
  }
  if (path == "-") RefuseLfsPointer(fd, name);  // stdin may be a file
  auto source = std::make_unique<FileSource>(fd, std::move(owned), name);
  const std::string start(source->Peek());
  return Decompressed(std::move(source), start, path, name);
}

std::unique_ptr<ByteSource> OpenMemorySource(std::string_view bytes, const std::string& name) {
  return Decompressed(std::make_unique<MemorySource>(bytes), bytes.substr(0, 4), name, name);
}

}  // namespace lacos
