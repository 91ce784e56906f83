// Rows of the word embedding. The table stays in its file on the host; rows that batches use are kept
// in a cache in the device's memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

class EmbeddingCache {
 public:
  explicit EmbeddingCache(const EmbeddingSource& source);

  // y[t] = the row of ids[t]. Reads the rows from the source that the cache lacks. If the cache is
  // full, it starts anew.
  void Embed(Context& context, std::span<const int32_t> ids, View y);
  // The rows that the cache holds at most.
  int64_t capacity() const { return capacity_; }
  size_t Bytes() const { return rows_.size(); }

 private:
  void ReadRows(Context& context, std::span<const int32_t> ids);

  const EmbeddingSource& source_;
  int64_t capacity_;
  Buffer rows_;                 // f32 [capacity, D]
  std::vector<int32_t> slots_;  // [V] the place of each row, -1 if it is not in the cache
  int64_t used_ = 0;
};

}  // namespace lacos::cuda
