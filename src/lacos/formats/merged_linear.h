// The adapters of PEFT before 0.3 with `enable_lora`. They have one pair of matrices for some of
// the equal row parts of a fused layer, and are converted to a plain LoRA that computes the same.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/formats/adapter_tensors.h"
#include "lacos/formats/lora_adapter.h"

namespace lacos {

// The layer's outputs are n = enable.size() parts of out / n rows each, and s of them are enabled.
// The file has A [s * rank, in] and B [s * out / n, s * rank / 2, 1]. B is the kernel of a
// convolution over one position in two groups: the first half of B's rows sees the first half of
// A's rows, and the second half sees the second (PEFT 0.2.0, MergedLinear: groups=2 for any s).
// BLOOM's fused rows are interleaved by head, yet PEFT's parts were contiguous. The conversion
// keeps what the adapter computed, not what its author meant. The result is a LoRA of rank s * rank
// with zeros outside these blocks, and with scale alpha / rank.
LoraModule ReadMergedLinear(AdapterTensors& tensors, const LinearModule& linear,
                            const std::vector<bool>& enable, int64_t rank, double alpha);

}  // namespace lacos
