// The GPU that a test program has: the emulated one, or in builds with CUDA the machine's first GPU.
#pragma once

#include <memory>
#include <vector>

#include "integration/sanitizer.h"
#include "lacos/base/compute.h"
#include "lacos/kernels/backend.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {

// The backend, or null if the machine has no GPU; then the test is skipped.
std::unique_ptr<Backend> MakeTestGpu(Compute compute);
// Whether kernels run in the emulator, which is too slow for large shapes.
bool GpuIsEmulated();
// Changes the order in which the emulator's threads run. A GPU ignores it.
void UseAnotherOrder(bool other);

// The cases that this build can run: ThreadSanitizer follows blocks of at most 128 threads.
inline std::vector<OpCase> GpuOpCases() {
  std::vector<OpCase> cases = OpCases();
  if (kThreadSanitizer)
    std::erase_if(cases, [](const OpCase& c) { return c.name == "LayerNorm2x2048"; });
  return cases;
}

}  // namespace lacos::testing
