// The CUDA backend of the program lacos-emulated, with which tests and `make gpu-check-emulated` run the
// commands for GPUs on a machine without one. Its figures of speed say nothing about a GPU.
#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/kernels/make_backend.h"

namespace lacos {

// One card for all backends of the process, which share its memory.
std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions& options) {
  static const auto card = std::make_shared<cuda::emulator::EmulatedRuntime>();
  return MakeEmulatedCudaBackend({.compute = options.compute,
                                  .runtime = card,
                                  .index = options.index,
                                  .check_each_op = options.check_each_op});
}

}  // namespace lacos
