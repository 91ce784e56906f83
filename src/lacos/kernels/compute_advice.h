// Advice on the mode of products: int8, which is the fastest mode elsewhere, is slow on some GPUs.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/base/compute.h"
#include "lacos/kernels/device.h"

namespace lacos {

// Narrower bases get no advice: their products are too small to resemble those that are measured, and
// most work with them takes less time than the measurement. bloom-560m, the smallest published BLOOM,
// has this width.
inline constexpr int64_t kLeastAdvisedWidth = 1024;

// The advice to choose bf16, if `compute` is int8 and bf16 is measured to be faster on the device; empty
// otherwise. `width` is that of the base. A GPU is measured once a process, which takes a second or two
// and at most 0.6 GB of its memory; if that is not free, there is no advice. `device` is kCpu or kCuda.
std::string AdviceOnCompute(const Device& device, Compute compute, int64_t width);

}  // namespace lacos
