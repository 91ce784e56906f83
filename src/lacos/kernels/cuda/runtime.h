// The functions of the CUDA runtime that the backend calls, behind an interface: cuda_runtime.cc
// calls NVIDIA's, emulator/emulated_runtime.cc works on the host, and tests derive from that one to
// make calls fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lacos/kernels/cuda/device.h"

namespace lacos::cuda {

// The number of a cudaError_t.
enum class Status : int {
  kOk = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kOldDriver = 35,        // cudaErrorInsufficientDriver: also if there is no driver
  kNoDevice = 100,        // cudaErrorNoDevice
  kInvalidDevice = 101,   // cudaErrorInvalidDevice
  kNoKernelImage = 209,   // cudaErrorNoKernelImageForDevice
  kNotReady = 600,        // cudaErrorNotReady: queued work has not ended
  kIllegalAddress = 700,  // cudaErrorIllegalAddress: sticky, the process cannot use the GPU again
  kLaunchFailure = 719,   // cudaErrorLaunchFailure: sticky
};

// What is known of a GPU.
struct DeviceFacts {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  int64_t total_bytes = 0;
  int64_t l2_bytes = 0;
  int64_t shared_bytes = 0;  // shared memory that a block can have at most
  std::string bus_id;        // "0000:01:00.0"
};

struct CublasLtFunctions;  // linear/cublaslt.h

enum class CopyKind : uint8_t { kHostToDevice, kDeviceToHost, kDeviceToDevice };

using Event = void*;

// All functions may be called from any thread, but the device that SetDevice chooses is the calling
// thread's.
class Runtime {
 public:
  virtual ~Runtime() = default;

  // Versions are 1000 major + 10 minor: 13000 is CUDA 13.0. A driver of version 0 is no driver.
  virtual Status DriverVersion(int* version) = 0;
  virtual int RuntimeVersion() = 0;
  virtual Status DeviceCount(int* count) = 0;
  virtual Status Facts(int device, DeviceFacts* facts) = 0;
  virtual Status SetDevice(int device) = 0;
  virtual Status MemoryInfo(size_t* free, size_t* total) = 0;

  virtual Status Allocate(size_t bytes, void** device) = 0;    // aligned to 256
  virtual Status Free(void* device) = 0;                       // waits for queued work
  virtual Status AllocateHost(size_t bytes, void** host) = 0;  // pinned
  virtual Status FreeHost(void* host) = 0;

  virtual Status CreateStream(gpu::Stream* stream) = 0;
  virtual Status DestroyStream(gpu::Stream stream) = 0;
  virtual Status Synchronize(gpu::Stream stream) = 0;
  virtual Status CreateEvent(Event* event) = 0;
  virtual Status DestroyEvent(Event event) = 0;
  virtual Status Record(Event event, gpu::Stream stream) = 0;
  virtual Status Wait(gpu::Stream stream, Event event) = 0;  // the stream waits
  virtual Status Await(Event event) = 0;                     // the host waits

  // Memory of the host must be pinned.
  virtual Status Copy(void* to, const void* from, size_t bytes, CopyKind kind,
                      gpu::Stream stream) = 0;
  virtual Status SetBytes(void* device, int value, size_t bytes, gpu::Stream stream) = 0;

  // The status of the launches since the last call.
  virtual Status LastStatus() = 0;
  // "cudaErrorMemoryAllocation: out of memory"
  virtual std::string Describe(Status status) = 0;

  // cuBLASLt's functions for the streams of this runtime, or null if there are none.
  virtual const CublasLtFunctions* CublasLt() { return nullptr; }
};

// NVIDIA's runtime.
std::shared_ptr<Runtime> MakeCudaRuntime();

}  // namespace lacos::cuda
