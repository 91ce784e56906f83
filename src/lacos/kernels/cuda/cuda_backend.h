// Makes the CUDA backend on any implementation of the runtime.
#pragma once

#include <memory>

#include "lacos/kernels/cuda/runtime.h"
#include "lacos/kernels/make_backend.h"

namespace lacos::cuda {

std::unique_ptr<Backend> MakeCudaBackendOn(std::shared_ptr<Runtime> runtime,
                                           const CudaBackendOptions& options);

}  // namespace lacos::cuda
