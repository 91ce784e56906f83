// What the program runs on, as it is shown beside every measurement.
#pragma once

#include <string>
#include <vector>

#include "lacos/io/json.h"
#include "lacos/kernels/backend.h"

namespace lacos::cli {

struct Cpu {
  std::string name = "unknown";
  std::vector<std::string> features;  // those that lacos's kernels care about
};
Cpu ReadCpu();

// Cores that this process may use (its affinity mask), whatever --threads says.
int CoreCount();

// {"cpu", "cores", "threads", "isa", "kernels"}; `kernels` says what the computing backend chose.
Json MachineJson(const KernelInfo& kernels);
// "AMD EPYC 9B14, 2 of 2 cores, oneDNN AVX-512 BF16, Highway AVX3".
std::string MachineText(const KernelInfo& kernels);

}  // namespace lacos::cli
