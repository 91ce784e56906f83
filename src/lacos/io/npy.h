// NumPy .npy files (version 1.0), written row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lacos/io/atomic_file.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

// Writes a C-order array [N, D] whose N is known only at the end: Commit writes the padded header
// again.
class NpyWriter {
 public:
  NpyWriter(const std::string& path, DType dtype, int64_t cols);
  void WriteRows(std::span<const std::byte> rows);  // appends one or more whole rows
  void Commit();

 private:
  AtomicFile file_;
  DType dtype_;
  int64_t cols_;
  int64_t bytes_ = 0;
};

struct NpyArray {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::vector<std::byte> data;
};
// Reads a C-order little-endian array of f2, f4, f8, i1, u1, i4 or i8. Throws UserError for
// anything else.
NpyArray ReadNpy(const std::string& path);

}  // namespace lacos
