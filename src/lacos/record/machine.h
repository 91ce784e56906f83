// The machine that a command runs on, as records and measurements name it.
#pragma once

#include <string>
#include <vector>

#include "lacos/io/json.h"

namespace lacos {

struct Cpu {
  std::string name = "unknown";
  std::vector<std::string> features;  // those that lacos's kernels care about
};
Cpu ReadCpu();

// Cores that this process may use (its affinity mask), however many threads it computes with.
int CoreCount();

// {"cpu", "features", "cores", "threads"}, for run.json.
Json MachineRecord();

}  // namespace lacos
