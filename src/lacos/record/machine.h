// The machine that a command runs on, as records and measurements describe it.
#pragma once

#include <string>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

struct KernelInfo;  // kernels/backend.h

struct Cpu {
  std::string name = "unknown";
  std::vector<std::string> features;  // the features that matter to lacos's kernels
};
Cpu ReadCpu();

// The number of cores that this process may use (its affinity mask), independent of its threads.
int CoreCount();

// {"cpu", "features", "cores", "threads"}, for run.json.
Json MachineRecord();

// {"cpu", "cores", "threads", "isa", "kernels"}, which is kept beside every measurement. `kernels` has
// the choices of the backend.
Json MachineOfMeasurement(const KernelInfo& kernels);

}  // namespace lacos
