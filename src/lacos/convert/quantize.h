// Casts an original BLOOM folder to 8 bits, tensor by tensor, with the memory of one slice of
// a tensor.
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
  // NAME.weight, NAME.SCB, NAME.weight_format, which transformers with bitsandbytes loads in
  // 8 bits.
  kBitsandbytes,
};
inline constexpr auto kQuantizedLayoutNames = MakeEnumNames<EnumWord<QuantizedLayout>>({
    {QuantizedLayout::kLacos, "lacos"},
    {QuantizedLayout::kBitsandbytes, "bitsandbytes"},
});
constexpr const auto& NamesOf(QuantizedLayout) { return kQuantizedLayoutNames; }

struct QuantizeOptions {
  QuantScheme scheme = QuantScheme::kLinear;
  int64_t block_size = 0;       // 0 = one block per row, else a power of two in 64..4096
  bool keep_embedding = false;  // keep the word embedding in its original type
  // kBitsandbytes has one form only: linear, one block per row, the embedding kept. Weights are
  // rounded to F16 first, as bitsandbytes does.
  QuantizedLayout layout = QuantizedLayout::kLacos;
  std::string base_name;  // recorded as the original's name; default: the path of the folder
  OutputOptions writing;  // progress counts the bytes of the original after each tensor
};

struct QuantizeReport {
  int64_t bytes_before = 0, bytes_after = 0;     // bytes of the tensors
  std::map<std::string, double> relative_error;  // rms error / rms weight, by kind of tensor
  std::vector<std::string> left_out_heads;       // names of stored tensors (IsHeadTensor)
};
// {"bytes_before", "bytes_after", "relative_error": {...}}.
Json ReportJson(const QuantizeReport& report);

// Writes a complete quantized folder (docs/reference/folders.md) to `output`, atomically, as
// safetensors with the shards of the input. Throws UserError that names the tensor and the index if
// a weight is NaN or infinite, or is beyond the range of F16 for bitsandbytes.
QuantizeReport QuantizeFolder(const std::string& input, const std::string& output,
                              const QuantizeOptions& options);

}  // namespace lacos
