// Bytes of a file or stdin, decompressed on the way when they are gzip or zstd: below LineReader.
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
  // Fills the front of `out`; the number of bytes, 0 only at the end. Throws UserError for read
  // errors and damaged data.
  virtual size_t Read(std::span<char> out) = 0;
};

// Opens `path` ("-" is stdin) and looks at its first bytes to tell gzip and zstd. `name` is what
// messages call it. Compressed data that grows more than 250 times (beyond 64 MiB) is refused while
// it is read.
std::unique_ptr<ByteSource> OpenByteSource(const std::string& path, const std::string& name);
// The same for bytes in memory, which must outlive the source.
std::unique_ptr<ByteSource> OpenMemorySource(std::string_view bytes, const std::string& name);

}  // namespace lacos
