#include "gpu/measured_gpu.h"
#include "lacos/kernels/cuda/emulator/emulated_cublaslt.h"

namespace lacos::bench {

std::shared_ptr<cuda::Runtime> TheRuntime() {
  return std::make_shared<cuda::emulator::HopperRuntime>();
}

std::unique_ptr<Backend> MakeMeasuredBackend(Compute compute) {
  return MakeEmulatedCudaBackend({.compute = compute});
}

const Sizes& TheSizes() {
  static const Sizes sizes{.models = {{"tiny", 64, 2}},
                           .rows = {3, 40},
                           .batches = {40},
                           .most_checked_rows = 20,
                           .ceiling_width = 64,
                           .rotated_bytes = size_t{64} << 10};
  return sizes;
}

}  // namespace lacos::bench
