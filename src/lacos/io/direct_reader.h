// Large reads that leave nothing in the kernel's page cache (O_DIRECT), for data that is read once
// and never fits into memory.
//
// Reading 1 GB this way into huge pages took 0.01 s of processor time; read-ahead, page faults and
// dropping the pages again took 0.3 s. A virtual disk delivered it two to four times as fast,
// because its requests are for large pieces (Linux 6.18, virtio, Zen 3).
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

  // On file systems without direct reads, ordinary reads are made, and their pages are dropped from
  // the cache. Throws UserError if no descriptor is left.
  explicit DirectReader(const MappedFile& file);

  // The number of bytes of a buffer for reading [offset, offset + size): the range extended to
  // multiples of kAlignment on both sides.
  static int64_t Room(int64_t offset, int64_t size);
  // Reads bytes [offset, offset + size) into `out`, which is aligned and has Room bytes. Returns
  // the address of the first of them, offset % kAlignment bytes after `out`. Throws UserError if
  // the system refuses, or if the file has become shorter.
  const std::byte* Read(int64_t offset, int64_t size, std::byte* out);

 private:
  std::string path_;
  FileDescriptor cached_, direct_;  // the same file; direct_ is open where direct reads work
};

// A buffer of zeros, aligned for direct reads, in huge pages where the system has them.
Buffer AllocateForDirectReads(int64_t bytes);

}  // namespace lacos
