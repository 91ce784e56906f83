// A tensor of any size made and read a few rows at a time, in the memory of one slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "lacos/formats/base_weights.h"

namespace lacos {

// One thread's share of a tensor at a time: its floats (256 KB) stay in L2.
inline constexpr int64_t kPieceElements = int64_t{1} << 16;

// Drops elements [begin, begin + count) of a mapped tensor from memory.
void DropElements(const StoredTensor& tensor, int64_t begin, int64_t count);

// A tensor being made slice by slice. `make` fills the bytes of rows [begin, begin + count),
// several calls at a time from as many threads; `write` gets each finished slice, in order of rows.
// About 16 MB are held.
struct RowStream {
  int64_t rows = 0, row_elements = 0, row_bytes = 0;
  std::function<void(int64_t begin, int64_t count, std::byte* out)> make;
  std::function<void(int64_t begin, int64_t count, std::span<const std::byte> bytes)> write;
};
void StreamRows(const RowStream& stream);

}  // namespace lacos
