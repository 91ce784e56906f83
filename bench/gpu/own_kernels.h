// The ops of a block on the GPU, in the shapes of published models: their rates, and the share of the
// measured ceilings that they reach.
#pragma once

#include "gpu/measured_gpu.h"
#include "lacos/io/json.h"

namespace lacos::bench {

// {"rates": the rates of kernels/device_rates.h, "cublaslt": {"bf16", "int8"} (FLOP or operations a
// second, or null), "ops": [{"model", "tokens", "compute", "op", "microseconds", "flop_per_second" or
// "bytes_per_second", "share"}]}. The share of a product is that of the fastest large product that was
// measured in its mode, ours or cuBLASLt's. The share of any other op is that of copies within the
// device's memory, for the bytes of the op's tensors.
Json OwnKernels();

}  // namespace lacos::bench
