// The adapters of PEFT before 0.3 with `enable_lora`: one matrix pair for some of the equal row
// parts of a fused layer, converted to the plain LoRA that computes the same.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/formats/adapter_tensors.h"
#include "lacos/formats/lora_adapter.h"

namespace lacos {

// The layer's outputs are n = enable.size() parts of out / n rows each, s of them enabled. The file
// has A [s * rank, in] and B [s * out / n, s * rank / 2, 1], the kernel of a convolution over one
// position in two groups: the first half of B's rows sees the first half of A's, the second half
// the second (PEFT 0.2.0, MergedLinear: groups=2 whatever s is). BLOOM's fused rows are interleaved
// by head, yet the parts were contiguous; what the adapter computed, not what its author meant, is
// what is converted. The result is a LoRA of rank s * rank with zeros outside these blocks, scale
// alpha / rank.
LoraModule ReadMergedLinear(AdapterTensors& tensors, const LinearModule& linear,
                            const std::vector<bool>& enable, int64_t rank, double alpha);

}  // namespace lacos
