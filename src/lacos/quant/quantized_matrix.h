// Frozen matrices as they are stored: 8-bit codes with one scale per block, or plain floating-point
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "lacos/base/enum_names.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

enum class QuantScheme : uint8_t {
  kNone,     // plain F32, BF16, F16 or F64 values
  kLinear,   // I8 codes, value = code * (absmax / 127)
  kDynamic,  // U8 codes, value = code_map[code] * absmax
};

inline constexpr auto kQuantSchemeNames = MakeEnumNames<EnumWord<QuantScheme>>({
    {QuantScheme::kLinear, "linear"},
    {QuantScheme::kDynamic, "dynamic"},
    {QuantScheme::kNone, "none"},
});
constexpr const auto& NamesOf(QuantScheme) { return kQuantSchemeNames; }

// A view of a matrix [out, in] in host memory, in PyTorch's layout. The memory is usually mapped
// from a file, so `codes` may have any alignment.
struct QuantizedMatrix {
  std::string name;  // for messages
  int64_t rows = 0;  // output features
  int64_t cols = 0;  // input features
  QuantScheme scheme = QuantScheme::kNone;
  DType dtype = DType::kF32;  // the type of the stored values or codes
  // The number of values that share one absmax. With `cols` each row is a block; with any other
  // number blocks run over the flattened matrix.
  int64_t block_size = 0;
  const std::byte* codes = nullptr;
  const float* absmax = nullptr;    // [ceil(rows * cols / block_size)]; absent for kNone
  const float* code_map = nullptr;  // [256], kDynamic only

  // One absmax per output row: the integer product can work on the codes themselves.
  bool RowWise() const { return scheme != QuantScheme::kNone && block_size == cols; }
};

}  // namespace lacos
