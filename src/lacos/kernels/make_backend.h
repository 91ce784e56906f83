// Makes backends: what a program asks for is a device and a compute mode.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lacos/base/compute.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/device.h"

namespace lacos {

struct BackendOptions {
  Device device = {};
  Compute compute = Compute::kBF16;
  // Told once why DeviceKind::kAuto took the CPU; may be empty.
  std::function<void(const std::string&)> tell = {};
};
// Throws UserError when the device or, on it, the compute mode cannot be had.
std::unique_ptr<Backend> MakeBackend(const BackendOptions& options);

// The backends by name, for MakeBackend, tests and benchmarks.

struct CpuBackendOptions {
  Compute compute = Compute::kBF16;
};
// Threads are those of base/parallel.h. Throws UserError when the compute mode cannot be had on
// this CPU.
std::unique_ptr<Backend> MakeCpuBackend(const CpuBackendOptions& options);

struct CudaBackendOptions {
  int index = 0;  // of the GPU
  Compute compute = Compute::kBF16;
};
// Throws UserError when this build has no CUDA backend (no_cuda.cc) or the GPU cannot be used.
std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions& options);

// Double (kF64) or complex double (kC128) throughout; slow and simple. Quantisation of activations
// is the identity.
std::unique_ptr<Backend> MakeReferenceBackend(DType dtype);

}  // namespace lacos
