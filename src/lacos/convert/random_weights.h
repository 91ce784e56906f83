// Random weights as a pure function of (seed, tensor, index), so that any slice can be made alone
// and on any thread.
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

// Makes normal values from 16-bit uniform numbers by inversion: the 65,536 equally likely quantiles
// of the normal distribution are encoded once in the wanted type. The Box-Muller method takes ten
// times as long, and 16 bits are more than BF16 keeps.
class NormalTable {
 public:
  NormalTable(DType dtype, double standard_deviation);
  DType dtype() const { return dtype_; }
  // Values [begin, begin + n) of a tensor, where n = out.size() / SizeOf(dtype) and begin is a
  // multiple of 8.
  void Fill(uint64_t seed, const std::string& tensor, int64_t begin,
            std::span<std::byte> out) const;

 private:
  DType dtype_;
  std::vector<std::byte> values_;
};

// Uniform codes from -127 to 127; begin is a multiple of 16.
void FillCodes(uint64_t seed, const std::string& tensor, int64_t begin, std::span<int8_t> out);

}  // namespace lacos
