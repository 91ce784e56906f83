// Random weight values as a pure function of (seed, tensor, index): any slice can be made alone, on
// any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lacos/tensor/dtype.h"

namespace lacos {

// Normal values by inversion of 16-bit uniforms: the 65,536 equally likely quantiles of the normal
// distribution, encoded once in the wanted type. (Box-Muller takes ten times as long; 16 bits are
// more than BF16 keeps.)
class NormalTable {
 public:
  NormalTable(DType dtype, double standard_deviation);
  DType dtype() const { return dtype_; }
  // Values [begin, begin + n) of a tensor, n = out.size() / SizeOf(dtype); begin is a multiple of
  // 8.
  void Fill(uint64_t seed, const std::string& tensor, int64_t begin,
            std::span<std::byte> out) const;

 private:
  DType dtype_;
  std::vector<std::byte> values_;
};

// Uniform codes in -127 to 127; begin is a multiple of 16.
void FillCodes(uint64_t seed, const std::string& tensor, int64_t begin, std::span<int8_t> out);

}  // namespace lacos
