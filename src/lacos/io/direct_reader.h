// Large reads that leave nothing in the kernel's page cache (O_DIRECT): for what is read once and
// never fits.
//
// Reading 1 GB this way into huge pages took 0.01 s of processor time where read-ahead, page faults
// and dropping the pages again took 0.3 s, and a virtual disk delivered it two to four times as
// fast, since its requests are of large pieces (Linux 6.18, virtio, Zen 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "lacos/io/mapped_file.h"
#include "lacos/io/posix.h"
#include "lacos/tensor/buffer.h"

namespace lacos {

class DirectReader {
 public:
  // Direct reads begin and end at multiples of this, in the file and in memory.
  static constexpr int64_t kAlignment = 4096;

  // Where a file system has no direct reads, ordinary ones are made, and what they left in the
  // cache is dropped. Throws UserError when there is no descriptor left.
  explicit DirectReader(const MappedFile& file);

  // How much of a buffer reading [offset, offset + size) takes: the multiples of kAlignment around
  // it.
  static int64_t Room(int64_t offset, int64_t size);
  // Reads bytes [offset, offset + size) into `out`, which is aligned and has Room bytes; returns
  // where the first of them lies, offset % kAlignment behind `out`. Throws UserError when the
  // system refuses or the file has become shorter.
  const std::byte* Read(int64_t offset, int64_t size, std::byte* out);

 private:
  std::string path_;
  FileDescriptor cached_, direct_;  // the same file; direct_ where it can be read so
};

// Zeros that are aligned for direct reads, in huge pages where the system has them.
Buffer AllocateForDirectReads(int64_t bytes);

}  // namespace lacos
