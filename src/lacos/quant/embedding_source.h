// Where a backend reads the rows of an embedding table.
#pragma once

#include <cstdint>
#include <span>

namespace lacos {

// The rows of an embedding table, read on demand. The table is never mapped, because its pages in
// the page cache would count as resident memory.
class EmbeddingSource {
 public:
  virtual ~EmbeddingSource() = default;
  virtual int64_t rows() const = 0;
  virtual int64_t cols() const = 0;
  // Writes row `row` as floats to `out` [cols]. May be called from several threads. Throws
  // UserError if the file cannot be read.
  virtual void ReadRow(int64_t row, std::span<float> out) const = 0;
};

}  // namespace lacos
