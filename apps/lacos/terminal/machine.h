// What the program runs on, as it is shown beside every measurement.
#pragma once

#include <string>

#include "lacos/io/json.h"
#include "lacos/kernels/backend.h"

namespace lacos::cli {

// {"cpu", "cores", "threads", "isa", "kernels"}; `kernels` says what the computing backend chose.
Json MachineJson(const KernelInfo& kernels);
// "AMD EPYC 9B14, 2 of 2 cores, oneDNN AVX-512 BF16, Highway AVX3".
std::string MachineText(const KernelInfo& kernels);

}  // namespace lacos::cli
