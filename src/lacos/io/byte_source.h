// The bytes of a file or of stdin, decompressed on the way if they are gzip or zstd. LineReader is
// built on them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lacos {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Reads into the front of `out` and returns the number of bytes, which is 0 only at the end.
  // Throws UserError for read errors and damaged data.
  virtual size_t Read(std::span<char> out) = 0;
};

// Opens `path` ("-" is stdin) and recognizes gzip and zstd by the first bytes. Messages call the
// source `name`. Compressed data that expands more than 250 times and beyond 64 MiB is refused
// while it is read.
std::unique_ptr<ByteSource> OpenByteSource(const std::string& path, const std::string& name);
// The same for bytes in memory, which must outlive the source.
std::unique_ptr<ByteSource> OpenMemorySource(std::string_view bytes, const std::string& name);

}  // namespace lacos
