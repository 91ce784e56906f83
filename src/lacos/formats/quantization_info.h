// How the matrices of a base folder are quantized, as its config.json says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lacos/io/json.h"
#include "lacos/quant/quantized_matrix.h"

namespace lacos {

// Names of the tensors beside a quantized matrix: NAME.absmax holds the scales of its blocks, and
// NAME.quant_map the 256 values of dynamic codes.
inline constexpr std::string_view kAbsmax = ".absmax";
inline constexpr std::string_view kQuantMap = ".quant_map";

struct QuantizationInfo {
  QuantScheme scheme = QuantScheme::kNone;
  int64_t block_size = 0;  // 0 = one block a row
  // bitsandbytes' LLM.int8 layout: linear codes with one scale a row, which lies in NAME.SCB; the
  // word embedding is never cast.
  bool bitsandbytes = false;

  // Values that share a scale in a matrix of `cols` columns.
  int64_t BlockSize(int64_t cols) const { return block_size > 0 ? block_size : cols; }
};

// Reads "quantization" as `lacos quantize` writes it, or the "quantization_config" of transformers
// with bitsandbytes. Throws UserError, naming `where`, for every other scheme and block size.
QuantizationInfo ParseQuantization(const Json& config, const std::string& where);

}  // namespace lacos
