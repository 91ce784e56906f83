// The description of the machine, which is shown next to every measurement.
#pragma once

#include <string>

#include "lacos/kernels/backend.h"

namespace lacos::cli {

// Returns a text such as "AMD EPYC 9B14, 2 of 2 cores, oneDNN AVX-512 BF16, Highway AVX3".
std::string MachineText(const KernelInfo& kernels);

}  // namespace lacos::cli
