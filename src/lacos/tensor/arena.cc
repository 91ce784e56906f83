#include "lacos/tensor/arena.h"

#include <algorithm>

#include "lacos/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace lacos {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kRedZone = 64;
void Open(std::byte* data, size_t bytes) { __asan_unpoison_memory_region(data, bytes); }
void Close(std::byte* data, size_t bytes) { __asan_poison_memory_region(data, bytes); }
#else
constexpr size_t kRedZone = 0;
void Open(std::byte*, size_t) {}
void Close(std::byte*, size_t) {}
#endif

}  // namespace

Arena::~Arena() { Release({}); }

void Arena::Release(Mark mark) {
  const auto is_released = [&](const Mark& zone) {
    return zone.chunk > mark.chunk || (zone.chunk == mark.chunk && zone.offset >= mark.offset);
  };
  for (; !red_zones_.empty() && is_released(red_zones_.back()); red_zones_.pop_back()) {
    Open(chunks_[red_zones_.back().chunk].data() + red_zones_.back().offset, kRedZone);
  }
  position_ = mark;
}

TensorView Arena::Allocate(DType dtype, Shape shape) {
  const size_t bytes = static_cast<size_t>(shape.Elements()) * SizeOf(dtype);
  const size_t padded = (std::max<size_t>(bytes, 1) + 63) / 64 * 64 + kRedZone;
  while (position_.chunk < chunks_.size() &&
         position_.offset + padded > chunks_[position_.chunk].size()) {
    ++position_.chunk;  // the rest of the chunk is never touched
    position_.offset = 0;
  }
  if (position_.chunk == chunks_.size())
    chunks_.push_back(allocate_(std::max(padded, chunk_bytes_)));
  TensorView view{chunks_[position_.chunk].data() + position_.offset, dtype, shape};
  position_.offset += padded;
  position_.used += padded;
  high_water_ = std::max(high_water_, position_.used);
  // A device's addresses have no shadow in the host's AddressSanitizer.
  if (kRedZone > 0 && chunks_[position_.chunk].kind() == MemoryKind::kHost) {
    const size_t begin = position_.offset - kRedZone;
    Close(chunks_[position_.chunk].data() + begin, kRedZone);
    red_zones_.push_back({.chunk = position_.chunk, .offset = begin});
  }
  return view;
}

void Arena::Free() {
  Release({});
  chunks_.clear();
}

void Arena::Reserve(size_t bytes) {
  LACOS_CHECK(chunks_.empty(), "room is made before the first allocation");
  if (bytes > 0) chunks_.push_back(allocate_(bytes));
}

}  // namespace lacos
