// The size of a model: parameters, bytes on disk, and bytes that stay in memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "lacos/formats/base_weights.h"
#include "lacos/formats/lora_adapter.h"

namespace lacos {

struct BaseSize {
  std::map<std::string, int64_t> bytes_by_type;  // bytes of the stored tensors, including scales
  // Bytes of everything but the word embedding as it is stored; these pages stay mapped. Of the
  // word embedding only the rows of a batch are read, when they are needed.
  int64_t resident_bytes = 0;
};
BaseSize MeasureBase(const BaseWeights& base_weights);

// The number of values in LoRA's A and B and in trained biases.
int64_t CountParameters(const LoraAdapter& adapter);

// For example "none", "linear, one scale per row" or "dynamic, one scale per 64 weights".
std::string QuantizationText(const QuantizationInfo& info);

}  // namespace lacos
