// Produces and reads a tensor of any size a few rows at a time, with the memory of one slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "lacos/formats/base_weights.h"

namespace lacos {

// Elements of a tensor that one thread processes at a time; as floats (256 KB) they stay in L2.
inline constexpr int64_t kPieceElements = int64_t{1} << 16;

// Drops elements [begin, begin + count) of a mapped tensor from memory.
void DropElements(const StoredTensor& tensor, int64_t begin, int64_t count);

// A tensor that is produced slice by slice. `make` fills the bytes of rows [begin, begin + count)
// and is called by several threads at once; `write` gets each finished slice in the order of the
// rows. About 16 MB are in use.
struct RowStream {
  int64_t rows = 0, row_elements = 0, row_bytes = 0;
  std::function<void(int64_t begin, int64_t count, std::byte* out)> make;
  std::function<void(int64_t begin, int64_t count, std::span<const std::byte> bytes)> write;
};
void StreamRows(const RowStream& stream);

}  // namespace lacos
