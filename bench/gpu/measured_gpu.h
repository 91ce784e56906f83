// The GPU that gpu_bench measures: the machine's in builds with LACOS_CUDA=ON (machine_gpu.cc), else the
// emulated one (emulated_gpu.cc), which shows that the program works and measures nothing.
#pragma once

#include <memory>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/runtime.h"

namespace lacos::bench {

std::shared_ptr<cuda::Runtime> TheRuntime();
std::unique_ptr<Backend> MakeMeasuredBackend(Compute compute);

// The sizes of what is measured.
struct Sizes {
  struct Model {
    const char* name;
    int64_t width, heads;
  };
  std::vector<Model> models;
  std::vector<int64_t> rows;     // numbers of rows of products
  std::vector<int64_t> batches;  // numbers of tokens of whole batches
  int64_t most_checked_rows;     // row 0 is compared among 1 to this many rows
  int64_t ceiling_width;         // width of the square product that is the ceiling
  size_t rotated_bytes;          // memory that calls go through in turn: more than the L2 cache
};
const Sizes& TheSizes();

}  // namespace lacos::bench
