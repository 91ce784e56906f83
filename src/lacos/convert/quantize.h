// Casting an original BLOOM folder to 8 bit, tensor by tensor, in the memory of one slice of a
// tensor.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "lacos/base/enum_names.h"
#include "lacos/formats/base_weights.h"
#include "lacos/io/output.h"

namespace lacos {

enum class QuantizedLayout : uint8_t {
  kLacos,  // NAME, NAME.absmax, NAME.quant_map
  // NAME.weight, NAME.SCB, NAME.weight_format: what transformers with bitsandbytes loads in 8 bit
  kBitsandbytes,
};
inline constexpr auto kQuantizedLayoutNames = MakeEnumNames<EnumWord<QuantizedLayout>>({
    {QuantizedLayout::kLacos, "lacos"},
    {QuantizedLayout::kBitsandbytes, "bitsandbytes"},
});
constexpr const auto& NamesOf(QuantizedLayout) { return kQuantizedLayoutNames; }

struct QuantizeOptions {
  QuantScheme scheme = QuantScheme::kLinear;
  int64_t block_size = 0;       // 0 = one block a row, else a power of two in 64..4096
  bool keep_embedding = false;  // leave the word embedding in its original type
  // kBitsandbytes: weights are rounded to F16 first, as bitsandbytes does; linear, one block a row
  // and the embedding kept are its only form.
  QuantizedLayout layout = QuantizedLayout::kLacos;
  std::string base_name;  // recorded as the original's name; default: the folder's path
  OutputOptions writing;  // its progress counts the original's bytes, after each tensor
};

struct QuantizeReport {
  int64_t bytes_before = 0, bytes_after = 0;     // of the tensors
  std::map<std::string, double> relative_error;  // by tensor kind: rms error / rms weight
};

// Writes a complete quantised folder (docs/contract.md section 4) to `output`, atomically, always as
// safetensors in the input's sharding. NaN or infinity in a weight is a UserError naming the tensor
// and the index, and so is a weight beyond F16's range for bitsandbytes.
QuantizeReport QuantizeFolder(const std::string& input, const std::string& output,
                              const QuantizeOptions& options);

}  // namespace lacos
