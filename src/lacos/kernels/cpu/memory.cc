#include "lacos/kernels/cpu/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "lacos/base/checked_math.h"

namespace lacos::cpu {

Buffer AllocateZeroed(size_t bytes) {
  // A smaller mapping would waste most of its last page and cost a system call and a page fault.
  constexpr size_t kMapped = size_t{64} << 10;
  bytes = std::max<size_t>(bytes, 64);
  if (bytes < kMapped) {
    const auto padded = static_cast<size_t>(RoundUp(static_cast<int64_t>(bytes), 64));
    auto* data = static_cast<std::byte*>(::operator new (padded, std::align_val_t{64}));
    std::memset(data, 0, padded);
    return {data, bytes, [](std::byte* p, size_t) { ::operator delete (p, std::align_val_t{64}); }};
  }
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  return {static_cast<std::byte*>(data), bytes, [](std::byte* p, size_t size) { munmap(p, size); }};
}

std::byte* Scratch::Bytes(size_t bytes) {
  if (bytes > buffer_.size() || buffer_.data() == nullptr) {
    // released before the new block is taken, so that the peak is one block and not two
    buffer_ = Buffer();
    buffer_ = AllocateZeroed(bytes);
  }
  return buffer_.data();
}

void ThreadScratch::Reserve() {
  const auto threads = static_cast<size_t>(ThreadCount());
  if (sets_.size() < threads) sets_.resize(threads);
}

}  // namespace lacos::cpu
