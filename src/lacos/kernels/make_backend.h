// Creates backends: a program asks for a device and a compute mode.
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
  // Called once with the reason if DeviceKind::kAuto falls back to the CPU; may be empty.
  std::function<void(const std::string&)> tell = {};
};
// Throws UserError if the device is not available or does not support the compute mode.
std::unique_ptr<Backend> MakeBackend(const BackendOptions& options);
// The device that MakeBackend would choose: kCpu or kCuda. Programs that make several backends ask
// once, so that a fallback is told once.
Device ChooseDevice(const BackendOptions& options);

// The backends by name, for MakeBackend, tests and benchmarks.

struct CpuBackendOptions {
  Compute compute = Compute::kBF16;
};
// Uses the threads of base/parallel.h. Throws UserError if this CPU lacks the compute mode.
std::unique_ptr<Backend> MakeCpuBackend(const CpuBackendOptions& options);

struct CudaBackendOptions {
  int index = 0;  // number of the GPU
  Compute compute = Compute::kBF16;
  bool check_each_op = false;  // as in Device
};
// Throws UserError if this build has no CUDA backend (no_cuda.cc) or the GPU cannot be used.
std::unique_ptr<Backend> MakeCudaBackend(const CudaBackendOptions& options);

// Computes in double (kF64) or complex double (kC128); slow and simple. Quantizes no activations.
std::unique_ptr<Backend> MakeReferenceBackend(DType dtype);

}  // namespace lacos
