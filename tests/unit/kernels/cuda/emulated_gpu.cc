#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "unit/kernels/cuda/test_gpu.h"

namespace lacos::testing {

std::unique_ptr<Backend> MakeTestGpu(Compute compute) {
  return MakeEmulatedCudaBackend({.compute = compute});
}

bool GpuIsEmulated() { return true; }

void UseAnotherOrder(bool other) {
  using cuda::emulator::Order;
  cuda::emulator::Configure({.order = other ? Order::kRandom : Order::kForward, .seed = 7});
}

}  // namespace lacos::testing
