#include "lacos/io/direct_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"

namespace lacos {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kPiece = int64_t{16}
                           << 20;  // a call; the kernel cuts it into what the device takes at once

}  // namespace

DirectReader::DirectReader(const MappedFile& file)
    : path_(file.path()),
      cached_(fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0)),
      // Opened through its descriptor, so that this is the same file even if its name was reused.
      direct_(OpenFile(fmt::format("/proc/self/fd/{}", file.descriptor()), O_RDONLY | O_DIRECT)) {
  if (cached_.get() < 0) ThrowSystemError(path_, "open");
}

int64_t DirectReader::Room(int64_t offset, int64_t size) {
  return RoundUp(offset + size, kAlignment) - offset / kAlignment * kAlignment;
}

const std::byte* DirectReader::Read(int64_t offset, int64_t size, std::byte* out) {
  const int64_t begin = offset / kAlignment * kAlignment, room = Room(offset, size);
  const int64_t wanted = offset + size - begin;  // the file may end earlier than `room`
  for (int64_t done = 0; done < wanted;) {
    const bool direct = direct_.get() >= 0;
    const auto count = static_cast<size_t>(std::min(kPiece, room - done));
    const ssize_t n =
        pread(direct ? direct_.get() : cached_.get(), out + done, count, begin + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && direct &&
        errno == EINVAL) {  // the file system opens files with O_DIRECT but cannot read them
      direct_ = FileDescriptor();
      continue;
    }
    if (n < 0) ThrowSystemError(path_, "read");
    done += n;
    // A direct read that does not end at a multiple of kAlignment has reached the end of the file.
    const bool ended = n == 0 || (direct && done % kAlignment != 0);
    if (ended && done < wanted) {
      throw UserError(fmt::format(
          "[{}] ended at byte {}, {} bytes early; expected the size it had when it was opened; do "
          "not change files while they are read",
          path_, begin + done, wanted - done));
    }
  }
  if (direct_.get() < 0) posix_fadvise(cached_.get(), begin, room, POSIX_FADV_DONTNEED);
  return out + (offset - begin);
}

Buffer AllocateForDirectReads(int64_t bytes) {
  // Enough extra room to begin at the edge of a huge page. Pages that are not touched cost nothing.
  const auto size = static_cast<size_t>(RoundUp(std::max<int64_t>(bytes, 1), kHugePage));
  const size_t mapped = size + kHugePage;
  void* data = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(data);
  const auto skipped =
      static_cast<size_t>(RoundUp(static_cast<int64_t>(address), kHugePage)) - address;
  auto* aligned = static_cast<std::byte*>(data) + skipped;
  madvise(aligned, size, MADV_HUGEPAGE);  // without huge pages, small ones work too
  return {aligned, size, [data, mapped](std::byte*, size_t) { munmap(data, mapped); }};
}

}  // namespace lacos
