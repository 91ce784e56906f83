#include "terminal/machine.h"

#include <fmt/format.h>

#include "lacos/base/parallel.h"
#include "lacos/record/machine.h"

namespace lacos::cli {

std::string MachineText(const KernelInfo& kernels) {
  return fmt::format("{}, {} of {} cores, {}", ReadCpu().name, ThreadCount(), CoreCount(),
                     kernels.FactsText());
}

}  // namespace lacos::cli
