#include "lacos/tensor/arena.h"

#include <algorithm>

#include "lacos/base/check.h"

namespace lacos {

TensorView Arena::Allocate(DType dtype, Shape shape) {
  const size_t bytes = static_cast<size_t>(shape.Elements()) * SizeOf(dtype);
  const size_t padded = (std::max<size_t>(bytes, 1) + 63) / 64 * 64;
  while (position_.chunk < chunks_.size() && position_.offset + padded > chunks_[position_.chunk].size()) {
    ++position_.chunk;  // the rest of the chunk stays unused, and untouched
    position_.offset = 0;
  }
  if (position_.chunk == chunks_.size()) chunks_.push_back(allocate_(std::max(padded, chunk_bytes_)));
  TensorView view{chunks_[position_.chunk].data() + position_.offset, dtype, shape};
  position_.offset += padded;
  position_.used += padded;
  high_water_ = std::max(high_water_, position_.used);
  return view;
}

void Arena::Reserve(size_t bytes) {
  LACOS_CHECK(chunks_.empty(), "room is made before the first allocation");
  if (bytes > 0) chunks_.push_back(allocate_(bytes));
}

}  // namespace lacos
