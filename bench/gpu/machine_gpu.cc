#include "gpu/measured_gpu.h"
#include "lacos/kernels/make_backend.h"

namespace lacos::bench {

std::shared_ptr<cuda::Runtime> TheRuntime() { return cuda::MakeCudaRuntime(); }

std::unique_ptr<Backend> MakeMeasuredBackend(Compute compute) {
  return MakeCudaBackend({.compute = compute});
}

const Sizes& TheSizes() {
  // 2,453 tokens are 64 pairs of NLI on average; 9,600 are 64 pairs at the cap of 75.
  static const Sizes sizes{.models = {{"560m", 1024, 16}, {"7b1", 4096, 32}},
                           .rows = {16, 128, 2453, 9600},
                           .batches = {2453, 9600},
                           .most_checked_rows = 300,
                           .ceiling_width = 8192,
                           .rotated_bytes = size_t{192} << 20};
  return sizes;
}

}  // namespace lacos::bench
